import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { join } from "node:path";
import { openOnlineStore, type StoreCall, storeCalls } from "@larder/store-core";
import { logicalClock, startRedis, startTcpProxy, temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { materialize } from "../src/materialize.ts";
import { definitionsIn, makeFolders, micros, rowsOf, YEAR } from "./fixture.ts";
import { writeParquet } from "./parquet.ts";

const ROWS = 3_000;
const CHUNK = 250;

test("on Redis a run survives a broken connection, and one that finds no Redis at all is continued by the next", async () => {
  await using redis = await startRedis();
  await using proxy = await startTcpProxy(redis);
  await using folder = await temporaryFolder();
  await makeFolders(folder.path);
  await writeParquet(
    join(folder.path, "data/calls/a.parquet"),
    `SELECT i AS customer_id, TIMESTAMP '2024-03-01' + INTERVAL 1 SECOND * i AS event_timestamp, i / 7 AS minutes FROM range(${ROWS}) t(i)`,
  );
  const online = `{ type: redis, connection_string: "${proxy.connectionString}", layout: packed }`;
  const definitions = definitionsIn(folder.path, online);
  const clock = logicalClock(micros("2024-06-01T00:00:00Z"));
  await using store = await openOnlineStore(definitions, { clock });
  const request = { ...YEAR, views: ["calls"], tenant: "default", chunkRows: CHUNK };

  // Cut after the second chunk; the first write that fails for it brings the road back.
  using failures = failedWrites(() => proxy.resume());
  let chunks = 0;
  const survived = await materialize(
    { definitions, store, clock },
    {
      ...request,
      onProgress: ({ phase }) => {
        if (phase === "write" && ++chunks === 2) proxy.cut();
      },
    },
  );
  expect(failures.codes.length).toBeGreaterThan(0);
  expect(survived.totals).toMatchObject({ rows: ROWS, refused: 0, stale: 0 });
  expect(survived.totals.applied + survived.totals.duplicate).toBe(ROWS);
  expect(await rowsOf(store, "calls")).toHaveLength(ROWS);
  failures.stop();

  await store.reset({ tenant: "default" }, { tenant: "default", deadline: performance.now() + 30_000 });
  chunks = 0;
  const failed = materialize(
    { definitions, store, clock },
    {
      ...request,
      retryDelaysMs: [1],
      onProgress: ({ phase }) => {
        if (phase === "write" && ++chunks === 3) proxy.cut();
      },
    },
  );
  await expect(failed).rejects.toMatchObject({ code: expect.stringMatching(/^STORE_(UNAVAILABLE|TIMEOUT)$/) });
  proxy.resume();
  const continued = await materialize({ definitions, store, clock }, request);
  expect(continued.views[0]).toMatchObject({ resumed: true, rows: ROWS });
  expect(continued.totals.duplicate, "at most the chunk that was under way").toBeLessThanOrEqual(CHUNK);
  expect(await rowsOf(store, "calls")).toHaveLength(ROWS);
});

/** Tells of each write that fails, as the store itself reports it. */
function failedWrites(onFailure: () => void) {
  const codes: string[] = [];
  const listener = (message: unknown) => {
    const { operation, failed } = message as StoreCall;
    if (operation !== "write" || failed === undefined) return;
    codes.push(failed);
    onFailure();
  };
  const { name } = storeCalls;
  subscribe(name, listener);
  const stop = () => void unsubscribe(name, listener);
  return { codes, stop, [Symbol.dispose]: stop };
}
