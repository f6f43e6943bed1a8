import { join } from "node:path";
import { type Definitions, parseDefinitions, systemClock } from "@larder/schema";
import { logicalClock, temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { applyDefinitions, openOnlineStore, planDefinitions } from "../src/index.ts";
import { definitionsOf } from "./definitions.ts";

const CALL = { tenant: "default" };

/** One file on disk and whatever definitions a process may have for it. */
async function world() {
  const folder = await temporaryFolder();
  const definitions = (features: string, key = "customer"): Definitions =>
    parseDefinitions(
      `project: test
online_store: { type: sqlite, path: ${join(folder.path, "online.db")} }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }, { name: shop, join_keys: [{ name: s, type: string }] }]
feature_views: [{ name: v, entity: ${key}, features: [${features}] }]
`,
      { file: "feature_store.yaml", env: {} },
    );
  const opened = async (given: Definitions, clock = systemClock) => {
    const store = await openOnlineStore(given, { clock });
    return { definitions: given, store, clock, [Symbol.asyncDispose]: () => store.close() };
  };
  return { definitions, opened, [Symbol.asyncDispose]: () => folder.remove() };
}

const A = "{ name: a, type: int64 }";
const B = "{ name: b, type: string }";

test("what is applied is kept with its time, compared by other processes, and known as older once others are applied", async () => {
  await using at = await world();
  const [first, second] = [at.definitions(A), at.definitions(`${A}, ${B}`)];
  const clock = logicalClock(1_700_000_000_000_000);
  await using old = await at.opened(first, clock);
  await using young = await at.opened(second, clock);
  expect(await planDefinitions(old, CALL)).toMatchObject({ state: "never", applied: undefined, changes: [] });
  expect(await applyDefinitions(old, { confirmed: false }, CALL)).toMatchObject({ state: "never" });
  const applied = { hash: first.hash, at: clock.now() };
  expect(await planDefinitions(old, CALL)).toMatchObject({ state: "same", applied, changes: [] });
  const changes = [{ kind: "safe", path: "feature_views.v.b", what: "added" }];
  expect(await planDefinitions(young, CALL)).toMatchObject({ state: "different", applied, changes });

  clock.advance(5);
  expect(await applyDefinitions(old, { confirmed: false }, CALL)).toMatchObject({ state: "same", applied });
  expect(await applyDefinitions(young, { confirmed: false }, CALL)).toMatchObject({ state: "different" });
  const since = { hash: second.hash, at: clock.now() };
  expect(await planDefinitions(old, CALL)).toMatchObject({ state: "older", applied: since });
});

test("breaking changes are recorded only when confirmed, and named when not", async () => {
  await using at = await world();
  await using before = await at.opened(at.definitions(A));
  await using after = await at.opened(at.definitions(A, "shop"));
  await applyDefinitions(before, { confirmed: false }, CALL);
  await expect(applyDefinitions(after, { confirmed: false }, CALL)).rejects.toMatchObject({
    code: "CONFIRMATION_REQUIRED",
    problems: [{ place: "feature_views.v", what: expect.stringContaining("from customer_id int64 to s string") }],
  });
  expect(await planDefinitions(before, CALL)).toMatchObject({ state: "same" });
  await applyDefinitions(after, { confirmed: true }, CALL);
  expect(await planDefinitions(before, CALL)).toMatchObject({ state: "older", changes: [{ kind: "breaking" }] });
});

test("of processes that apply at once one wins and the others are told", async () => {
  await using at = await world();
  const features = ["a", "b", "c", "d"].map((name) => `{ name: ${name}, type: int64 }`);
  const opened = await Promise.all(features.map((feature) => at.opened(at.definitions(feature))));
  // All have read before the first one writes.
  const barrier = Promise.withResolvers<void>();
  let read = 0;
  const results = await Promise.allSettled(
    opened.map(({ store, ...rest }) => {
      const gated = {
        capabilities: store.capabilities,
        putMeta: store.putMeta.bind(store),
        async getMeta(...args: Parameters<typeof store.getMeta>) {
          const found = await store.getMeta(...args);
          if (++read === opened.length) barrier.resolve();
          await barrier.promise;
          return found;
        },
      };
      return applyDefinitions({ ...rest, store: gated }, { confirmed: false }, CALL);
    }),
  );
  const lost = results.filter((result) => result.status === "rejected");
  expect(lost.map(({ reason }) => reason.code)).toEqual(["STORE_CONFLICT", "STORE_CONFLICT", "STORE_CONFLICT"]);
  const winner = opened[results.findIndex((result) => result.status === "fulfilled")];
  if (winner === undefined) throw new Error("nobody won");
  expect(await planDefinitions(winner, CALL)).toMatchObject({ state: "same" });
  for (const one of opened) await one.store.close();
});

test("a record that cannot be read is said to be corrupt, or of a newer Larder, and --yes replaces only the first", async () => {
  await using at = await world();
  await using opened = await at.opened(at.definitions(A));
  const overwrite = async (text: string) => {
    const found = await opened.store.getMeta({ project: "test" }, "definitions", CALL);
    await opened.store.putMeta({ project: "test" }, "definitions", Buffer.from(text), found?.revision, CALL);
  };
  for (const text of [
    "{",
    "1",
    '{"description":{"format":1,"hash":"x","meaning":"{}","words":{}},"at":1,"history":[]}',
  ]) {
    await overwrite(text);
    await expect(planDefinitions(opened, CALL)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    await expect(applyDefinitions(opened, { confirmed: false }, CALL)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    await applyDefinitions(opened, { confirmed: true }, CALL);
    expect(await planDefinitions(opened, CALL)).toMatchObject({ state: "same" });
  }
  await overwrite('{"description":{"format":2}}');
  for (const confirmed of [false, true]) {
    const applying = applyDefinitions(opened, { confirmed }, CALL);
    await expect(applying).rejects.toMatchObject({ code: "STORE_FORMAT_NEWER" });
  }
});

test("a store that ends with the process has nothing applied, and says so when asked to keep it", async () => {
  const definitions = definitionsOf("  - { name: v, entity: customer, features: [{ name: a, type: int64 }] }");
  await using store = await openOnlineStore(definitions, { clock: systemClock });
  expect(await planDefinitions({ definitions, store }, CALL)).toMatchObject({ state: "never" });
  const applying = applyDefinitions({ definitions, store, clock: systemClock }, { confirmed: true }, CALL);
  await expect(applying).rejects.toMatchObject({ code: "UNSUPPORTED" });
});
