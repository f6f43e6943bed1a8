import { type Definitions, parseDefinitions, systemClock } from "@larder/schema";
import { logicalClock } from "@larder/testkit";
import { expect, test } from "vitest";
import { applyDefinitions, openOnlineStore, planDefinitions } from "../src/index.ts";

const CALL = { tenant: "default" };

let projects = 0;

/** A durable store, and whatever definitions a process may have for it; each world has a project of its own. `store` is the yaml's online_store. */
function worldOf(store: string) {
  const project = `test${projects++}`;
  const definitions = (features: string, key = "customer"): Definitions =>
    parseDefinitions(
      `project: ${project}
online_store: ${store}
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }, { name: shop, join_keys: [{ name: s, type: string }] }]
feature_views: [{ name: v, entity: ${key}, features: [${features}] }]
`,
      { file: "feature_store.yaml", env: {} },
    );
  const opened = async (given: Definitions, clock = systemClock) => {
    const online = await openOnlineStore(given, { clock });
    return { definitions: given, store: online, clock, [Symbol.asyncDispose]: () => online.close() };
  };
  return { project, definitions, opened };
}

const A = "{ name: a, type: int64 }";
const B = "{ name: b, type: string }";

/** What holds for applied definitions in every store that outlives a process. `storeOf` is asked when a test runs. */
export function appliedDefinitionsRules(storeOf: () => string): void {
  test("what is applied is kept with its time, compared by other processes, and known as older once others are applied", async () => {
    const at = worldOf(storeOf());
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
    const at = worldOf(storeOf());
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
    const at = worldOf(storeOf());
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
    const at = worldOf(storeOf());
    await using opened = await at.opened(at.definitions(A));
    const overwrite = async (text: string) => {
      const found = await opened.store.getMeta({ project: at.project }, "definitions", CALL);
      await opened.store.putMeta({ project: at.project }, "definitions", Buffer.from(text), found?.revision, CALL);
    };
    for (const text of [
      "{",
      "1",
      '{"description":{"format":1,"hash":"x","meaning":"{}","words":{}},"at":1,"history":[]}',
    ]) {
      await overwrite(text);
      await expect(planDefinitions(opened, CALL)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
      await expect(applyDefinitions(opened, { confirmed: false }, CALL)).rejects.toMatchObject({
        code: "STORE_CORRUPT",
      });
      await applyDefinitions(opened, { confirmed: true }, CALL);
      expect(await planDefinitions(opened, CALL)).toMatchObject({ state: "same" });
    }
    await overwrite('{"description":{"format":2}}');
    for (const confirmed of [false, true]) {
      const applying = applyDefinitions(opened, { confirmed }, CALL);
      await expect(applying).rejects.toMatchObject({ code: "STORE_FORMAT_NEWER" });
    }
  });
}
