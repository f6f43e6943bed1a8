import { createServer } from "node:net";
import { expect, test } from "vitest";
import { freePort, LOOPBACK } from "../src/index.ts";

test("a free port can be listened on", async () => {
  const port = await freePort();
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, LOOPBACK, resolve);
  });
  expect(server.address()).toMatchObject({ port, address: LOOPBACK });
  await new Promise((resolve) => server.close(resolve));
});
