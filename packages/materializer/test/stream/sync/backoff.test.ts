import { LarderError } from "@larder/schema";
import { expect, test } from "vitest";
import { backoffMs, untilItWorks } from "../../../src/stream/sync/backoff.ts";

const away = () => new LarderError("STORE_UNAVAILABLE", { what: "It is away", remedy: "Wait" });
const quick = { firstMs: 0.01, maxMs: 0.1, random: () => 0 };

test("waits double up to their bound, less up to a half", () => {
  const waits = (random: number) =>
    [1, 2, 3, 4, 5, 400].map((failures) => backoffMs({ firstMs: 50, maxMs: 300, random: () => random }, failures));
  expect(waits(0)).toEqual([50, 100, 200, 300, 300, 300]);
  expect(waits(1)).toEqual([25, 50, 100, 150, 150, 150]);
});

test("a call is repeated while its failure may pass", async () => {
  const heard: string[] = [];
  let calls = 0;
  const answer = await untilItWorks(
    async () => {
      if (++calls < 4) throw away();
      return calls;
    },
    quick,
    new AbortController().signal,
    ({ code }) => heard.push(code),
  );
  expect(answer).toBe(4);
  expect(heard).toEqual(["STORE_UNAVAILABLE", "STORE_UNAVAILABLE", "STORE_UNAVAILABLE"]);
});

test("what will not pass is not repeated", async () => {
  const error = new LarderError("QUOTA_EXCEEDED", { what: "It is full", remedy: "Make room" });
  let calls = 0;
  const failing = untilItWorks(
    () => {
      calls++;
      throw error;
    },
    quick,
    new AbortController().signal,
    () => {},
  );
  await expect(failing).rejects.toBe(error);
  expect(calls).toBe(1);
});

test("a wait ends when it is aborted", async () => {
  const controller = new AbortController();
  const failing = untilItWorks(
    () => {
      throw away();
    },
    { firstMs: 600_000, maxMs: 600_000, random: () => 0 },
    controller.signal,
    () => controller.abort(new Error("enough")),
  );
  await expect(failing).rejects.toThrow("enough");
});
