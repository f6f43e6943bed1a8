import { LarderError } from "@larder/schema";
import { expect, test } from "vitest";
import { withRetries } from "../src/retry.ts";

const away = new LarderError("STORE_UNAVAILABLE", { what: "The store is away", remedy: "Wait" });

test("a call is repeated while the store is away, and its answer is the first good one", async () => {
  let calls = 0;
  const answer = await withRetries(
    async () => {
      if (++calls < 3) throw away;
      return calls;
    },
    undefined,
    [1, 1, 1],
  );
  expect(answer).toBe(3);
});

test("it gives up with the store's own error when the waits are used up", async () => {
  let calls = 0;
  const failing = () => {
    calls++;
    return Promise.reject(away);
  };
  await expect(withRetries(failing, undefined, [1, 1])).rejects.toBe(away);
  expect(calls).toBe(3);
});

test("other errors are not repeated", async () => {
  let calls = 0;
  const closed = new LarderError("STORE_CLOSED", { what: "Closed", remedy: "Open it" });
  const failing = () => {
    calls++;
    return Promise.reject(closed);
  };
  await expect(withRetries(failing, undefined, [1, 1])).rejects.toBe(closed);
  expect(calls).toBe(1);
});

test("an abort ends the wait at once", async () => {
  const controller = new AbortController();
  const waiting = withRetries(() => Promise.reject(away), controller.signal, [3_600_000]);
  setImmediate(() => controller.abort());
  await expect(waiting).rejects.toMatchObject({ code: "ABORTED" });
});
