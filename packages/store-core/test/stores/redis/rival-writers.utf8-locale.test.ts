import { startRedis, utf8Locale } from "@larder/testkit";
import { expect, test } from "vitest";
import { rawClient } from "./harness.ts";
import { expectOneEnd } from "./rival-writers.ts";

test("rival writers leave the greatest rows on a server whose locale sorts text otherwise than by bytes", async () => {
  await using server = await startRedis({ env: await utf8Locale() });
  {
    // The trap is there: Lua's order of strings is not the order of bytes on this server.
    await using client = await rawClient(server);
    expect(await client.eval("return 'B' < 'a' and 1 or 0", 0)).toBe(0);
  }
  await expectOneEnd(server);
});
