import { expect, test } from "vitest";
import { startS3 } from "../src/index.ts";

test("it answers S3, refuses whoever has no key, and is gone when it is stopped", async () => {
  const server = await startS3();
  const answer = await fetch(`${server.endpoint}/lake`);
  expect(answer.status).toBe(403);
  expect(await answer.text()).toContain("AccessDenied");
  await server.stop();
  await expect(fetch(server.endpoint)).rejects.toThrow();
});
