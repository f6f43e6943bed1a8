import { findView, parseDefinitions, systemClock } from "@larder/schema";
import { openOnlineStore } from "@larder/store-core";
import { startRedis, until } from "@larder/testkit";
import { expect, test } from "vitest";
import { statusJson } from "../src/cli/render/status-report.ts";
import { viewStatuses } from "../src/view-status.ts";

test("with more rows than are looked at, freshness is the watermark's", async () => {
  await using server = await startRedis();
  const definitions = parseDefinitions(`
project: p
online_store: { type: redis, connection_string: "${server.connectionString}", deadline: 10s, write_deadline: 30s }
entities: [{ name: customer, join_keys: [{ name: id, type: int64 }] }]
feature_views: [{ name: a, entity: customer, freshness: 1h, features: [{ name: x, type: float32 }] }]
`);
  const clock = systemClock;
  await using store = await openOnlineStore(definitions, { clock });
  const now = clock.now();
  const row = (id: number, eventTime: number) => ({
    entityKey: [BigInt(id)],
    eventTime,
    createdTime: undefined,
    values: [1],
  });
  const call = { tenant: "default" };
  const old = Array.from({ length: 10_500 }, (_, id) => row(id, now - 86_400_000_000));
  await store.write(findView(definitions, "a"), old, call);
  await store.write(findView(definitions, "a"), [row(1_000_000, now - 1_000_000)], call);
  await until(20_000, "the watermark has moved", async () => {
    const [status] = await viewStatuses({ definitions, store, clock });
    return status?.watermark?.eventTime === now - 1_000_000;
  });
  const [status] = await viewStatuses({ definitions, store, clock });
  expect([status?.complete, status?.newest, status?.state]).toEqual([false, now - 1_000_000, "fresh"]);
  expect(statusJson([status as NonNullable<typeof status>])).toMatchObject([
    { watermark: { event_time: expect.any(String), written: expect.any(String) } },
  ]);
});
