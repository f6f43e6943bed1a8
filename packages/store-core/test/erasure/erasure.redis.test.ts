import { findView, parseDefinitions, systemClock } from "@larder/schema";
import { createReadPlan, encodeEntityRows, eraseEntity, FieldStatus, openOnlineStore } from "@larder/store-core";
import { redisCommand, startRedis, startTcpProxy, until } from "@larder/testkit";
import { expect, test } from "vitest";
import { erasesOneEntity, mayBeRepeated, refusesAsBefore, winsAgainstWriters } from "./erasure-rules.ts";

const RULES = [
  ["an erased entity is gone, and only a later row brings it back", erasesOneEntity],
  ["a write is refused by its rows' places, whatever is erased", refusesAsBefore],
  ["an erasure may be repeated, and several go on at once", mayBeRepeated],
  ["no writer of another process brings an erased entity back", winsAgainstWriters],
] as const;

test.each(["packed", "feast"].flatMap((layout) => RULES.map(([name, rule]) => [layout, name, rule] as const)))(
  "redis, layout %s: %s",
  async (layout, _, rule) => {
    await using redis = await startRedis();
    await rule(
      `{ type: redis, connection_string: "${redis.connectionString}", layout: ${layout}, deadline: 5s, write_deadline: 1s }`,
    );
  },
);

const STALE = { policy: "stale", maxAge: 3_600_000_000, otherwise: "fail" } as const;

test("last known good answers no erased row, in this process at once and in others within the lease", async () => {
  await using redis = await startRedis();
  await using proxy = await startTcpProxy(redis);
  const definitions = parseDefinitions(`
project: p
online_store: { type: redis, connection_string: "${proxy.connectionString}", deadline: 2s, on_failure: stale }
entities: [{ name: customer, join_keys: [{ name: id, type: int64 }] }]
feature_views: [{ name: plans, entity: customer, features: [{ name: x, type: float32 }] }]
`);
  const erasure = { leaseMs: 100, writeMs: 100 };
  await using mine = await openOnlineStore(definitions, { clock: systemClock, erasure });
  await using theirs = await openOnlineStore(definitions, { clock: systemClock, erasure });
  const view = findView(definitions, "plans");
  const ref = { view, feature: view.features[0]!, viewName: "plans", joinKeyMap: new Map<string, string>() };
  const plan = createReadPlan(definitions, [ref], { fullFeatureNames: false });
  const rows = [1n, 2n].map((id) => ({
    entityKey: [id],
    eventTime: systemClock.now() - 1_000_000,
    createdTime: undefined,
    values: [Number(id)],
  }));
  const call = { tenant: "default" };
  await mine.write(view, rows, { ...call, deadline: performance.now() + 20_000 });
  const read = async (store: typeof mine, ids: readonly number[]) => {
    const keys = encodeEntityRows(
      plan,
      ids.map((id) => ({ id })),
    );
    const batch = await store.read(plan, keys, call, { onFailure: STALE });
    return ids.map((_, row) => [batch.degraded, batch.status(row, 0), batch.value(row, 0)]);
  };
  for (const store of [mine, theirs]) await read(store, [1, 2]);
  await eraseEntity(
    { definitions, store: mine, clock: systemClock, settings: erasure },
    {
      tenant: "default",
      entity: { id: 1 },
      confirmed: true,
    },
  );
  // The others hear of it by reading something, whatever it is. Two entities are read by a script, so an HMGET is the question for erasures: for the
  // index, for the segment, and for the index again after the answers to both.
  const polls = async () =>
    Number(/cmdstat_hmget:calls=(\d+)/.exec(String(await redisCommand(redis.port, "INFO", "commandstats")))?.[1]);
  const before = await polls();
  await until(20_000, "the other process asked for erasures", async () => {
    await read(theirs, [2, 2]);
    return (await polls()) > before + 2;
  });
  proxy.cut();
  for (const store of [mine, theirs]) {
    expect(await read(store, [1, 2]), store === mine ? "mine" : "theirs").toEqual([
      [true, FieldStatus.NOT_FOUND, null],
      [true, FieldStatus.PRESENT, 2],
    ]);
  }
});
