import { parseDefinitions } from "@larder/schema";
import { expect, test } from "vitest";
import { resetInSteps } from "../src/reset-in-steps.ts";
import { createMemoryRowStore } from "../src/stores/memory/memory-row-store.ts";

const definitions = parseDefinitions(`
project: p
online_store: { type: memory }
entities: [{ name: customer, join_keys: [{ name: id, type: int64 }] }]
feature_views: [{ name: plans, entity: customer, features: [{ name: price, type: int64 }] }]
`);
const CALL = { tenant: "default" };
const SCOPE = { project: "p", tenant: "default", view: "plans" };

test("positions are gone before the first row goes, and those that came meanwhile are gone at the end", async () => {
  const rows = createMemoryRowStore();
  const move = () => rows.putMeta(SCOPE, "position", Uint8Array.of(1), undefined, CALL);
  const position = () => rows.getMeta(SCOPE, "position", CALL);
  await move();
  const told: number[] = [];
  const onRemoved = (count: number) => told.push(count);
  const removed = await resetInSteps(rows, definitions, CALL, CALL, { onRemoved }, async (afterStep) => {
    expect(await position()).toBeUndefined();
    await afterStep(1);
    // As a materialize does that begins and ends here: what it loaded is removed by the next step.
    await move();
    await afterStep(2);
    return 2;
  });
  expect([removed, told, await position()]).toEqual([2, [1, 2], undefined]);
});

test("a reset that is told to stop does so between two steps", async () => {
  const rows = createMemoryRowStore();
  const stop = new AbortController();
  const onRemoved = () => stop.abort();
  const call = { ...CALL, signal: stop.signal };
  const stopped = resetInSteps(rows, definitions, CALL, call, { onRemoved }, async (afterStep) => {
    await afterStep(1);
    throw new Error("a step after the end");
  });
  await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
});
