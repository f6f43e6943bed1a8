import { join } from "node:path";
import { LarderError } from "@larder/schema";
import { openOnlineStore } from "@larder/store-core";
import { logicalClock, type TemporaryFolder, temporaryFolder } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { materialize } from "../src/materialize.ts";
import { readPosition } from "../src/position.ts";
import { definitionsIn, disturbed, makeFolders, micros, rowsOf } from "./fixture.ts";
import { writeParquet } from "./parquet.ts";

const NOW = micros("2024-06-01T00:00:00Z");
const JANUARY = { start: micros("2024-01-01T00:00:00Z"), end: micros("2024-01-31T23:59:59Z") };
const FEBRUARY = { start: JANUARY.end + 1, end: micros("2024-02-29T00:00:00Z") };
const DEFAULT = { tenant: "default" };
let folder: TemporaryFolder;

beforeAll(async () => {
  folder = await temporaryFolder();
  await makeFolders(folder.path);
  await writeParquet(
    join(folder.path, "data/plans/a.parquet"),
    `SELECT * FROM (VALUES
      (1, TIMESTAMP '2024-01-01 00:00:00', TIMESTAMP '2024-01-02', false, 10, 'old'),
      (1, TIMESTAMP '2024-01-31 23:59:59', TIMESTAMP '2024-02-02', false, 11, 'last second'),
      (2, TIMESTAMP '2024-01-05 00:00:00', TIMESTAMP '2024-01-05', false, 20, NULL),
      (2, TIMESTAMP '2024-01-05 00:00:00', TIMESTAMP '2024-01-06', true, NULL, NULL),
      (3, TIMESTAMP '2024-02-10 00:00:00', NULL, NULL, 30, 'february'),
      (4, TIMESTAMP '2024-12-01 00:00:00', NULL, false, 40, 'ahead'),
      (NULL, TIMESTAMP '2024-01-07 00:00:00', NULL, false, 50, 'nobody'),
      (5, NULL, NULL, false, 60, 'never')
    ) t(customer_id, event_timestamp, created, deleted, price, plan)`,
  );
  await writeParquet(
    join(folder.path, "data/calls/a.parquet"),
    "SELECT i AS customer_id, TIMESTAMP '2024-01-10' + INTERVAL 1 MINUTE * i AS event_timestamp, i / 2 AS minutes FROM range(25) t(i)",
  );
});

afterAll(() => folder.remove());

async function open(config?: string) {
  const definitions = definitionsIn(folder.path, config);
  const clock = logicalClock(NOW);
  const store = await openOnlineStore(definitions, { clock });
  return { definitions, store, clock, [Symbol.asyncDispose]: () => store.close() };
}

test("the latest row of each entity in the window is stored, tombstones included, and every row is accounted for", async () => {
  await using parts = await open();
  const report = await materialize(parts, { ...JANUARY, tenant: "default" });
  expect(report.views.map(({ view }) => view)).toEqual(["plans", "calls"]);
  const [plans, calls] = report.views;
  expect(plans).toMatchObject({ rows: 2, applied: 2, refused: 0, nullKeys: 1, nullTimes: 1, resumed: false });
  expect(plans?.samples.map(({ field }) => field).sort()).toEqual(["event time", "join key"]);
  expect(calls).toMatchObject({ rows: 25, applied: 25, nullKeys: 0, nullTimes: 0 });
  expect(report.totals).toMatchObject({ rows: 27, applied: 27 });
  expect(await rowsOf(parts.store, "plans")).toEqual([
    {
      entityKey: "1",
      row: {
        entityKey: [1n],
        eventTime: JANUARY.end,
        createdTime: micros("2024-02-02T00:00:00Z"),
        values: [11n, "last second"],
      },
    },
    { entityKey: "2", row: expect.objectContaining({ values: undefined }) },
  ]);
});

test("a second run finds duplicates, a window before it stale rows", async () => {
  await using parts = await open();
  await materialize(parts, { ...JANUARY, views: ["plans"], tenant: "default" });
  const again = await materialize(parts, { ...JANUARY, views: ["plans"], tenant: "default" });
  expect(again.totals).toMatchObject({ applied: 0, duplicate: 2 });
  const early = { start: JANUARY.start, end: JANUARY.start };
  const older = await materialize(parts, { ...early, views: ["plans"], tenant: "default" });
  expect(older.totals).toMatchObject({ rows: 1, applied: 0, stale: 1 });
});

test("a row dated ahead is refused by name and the others are written", async () => {
  await using parts = await open();
  const report = await materialize(parts, {
    start: JANUARY.start,
    end: micros("2025-01-01T00:00:00Z"),
    views: ["plans"],
    tenant: "default",
  });
  expect(report.totals).toMatchObject({ rows: 4, applied: 3, refused: 1 });
  const ahead = report.views[0]?.samples.find(({ place }) => place === "plans customer_id=4");
  expect(ahead).toMatchObject({ field: "event_timestamp", what: expect.stringContaining("ahead of the clock") });
  expect(await rowsOf(parts.store, "plans")).toHaveLength(3);
  const scope = { project: "test", tenant: "default", view: "plans" };
  expect((await readPosition(parts.store, scope, DEFAULT))?.end, "the position stops at now").toBe(NOW);
});

test("the position moves where windows meet and stays where they leave a gap", async () => {
  await using parts = await open();
  const run = async (window: { start: number; end: number }) => {
    const { views } = await materialize(parts, { ...window, views: ["plans"], tenant: "default" });
    return views[0]?.position;
  };
  expect(await run(JANUARY)).toBe(JANUARY.end);
  expect(await run({ start: FEBRUARY.start + 1, end: FEBRUARY.end })).toBe(JANUARY.end);
  expect(await run(FEBRUARY)).toBe(FEBRUARY.end);
  const scope = { project: "test", tenant: "default", view: "plans" };
  expect(await readPosition(parts.store, scope, DEFAULT)).toEqual({
    start: JANUARY.start,
    end: FEBRUARY.end,
    created: micros("2024-02-02T00:00:00Z"),
    ranAt: NOW,
  });
  await parts.store.reset({ tenant: "default", view: "plans" }, DEFAULT);
  expect(await readPosition(parts.store, scope, DEFAULT)).toBeUndefined();
});

test("the position keeps when a run last ended, also one that does not extend it, and takes one that an earlier version wrote", async () => {
  await using parts = await open();
  const scope = { project: "test", tenant: "default", view: "plans" };
  const ranAt = async () => (await readPosition(parts.store, scope, DEFAULT))?.ranAt;
  const run = (window: { start: number; end: number }, now: number) =>
    materialize({ ...parts, clock: { now: () => now } }, { ...window, views: ["plans"], tenant: "default" });
  const ahead = { start: NOW + 10, end: NOW + 20 };
  await run(ahead, NOW);
  expect(await readPosition(parts.store, scope, DEFAULT), "nothing to begin one with").toBeUndefined();
  await run(JANUARY, NOW);
  expect(await ranAt()).toBe(NOW);
  await run({ start: FEBRUARY.start + 1, end: FEBRUARY.end }, NOW + 1);
  await run(ahead, NOW + 2);
  expect(await readPosition(parts.store, scope, DEFAULT)).toMatchObject({ ...JANUARY, ranAt: NOW + 2 });
  await run(JANUARY, NOW);
  expect(await ranAt(), "the clock of another machine may be behind").toBe(NOW + 2);

  const old = await parts.store.getMeta(scope, "position", DEFAULT);
  const bytes = new TextEncoder().encode(JSON.stringify(JANUARY));
  await parts.store.putMeta(scope, "position", bytes, old?.revision, DEFAULT);
  expect(await readPosition(parts.store, scope, DEFAULT)).toEqual({ ...JANUARY, created: undefined, ranAt: undefined });
  await run(JANUARY, NOW + 3);
  expect(await ranAt()).toBe(NOW + 3);
});

test("progress tells the search, then rows of all there are", async () => {
  await using parts = await open();
  const seen: string[] = [];
  await materialize(parts, {
    ...JANUARY,
    views: ["calls"],
    tenant: "default",
    chunkRows: 10,
    onProgress: (progress) => {
      if (progress.phase === "write") seen.push(`${progress.view} ${progress.rows}/${progress.total}`);
    },
  });
  expect(seen).toEqual(["calls 10/25", "calls 20/25", "calls 25/25"]);
});

test("a cancelled run says how to go on, and the next one goes on behind its last chunk", async () => {
  await using parts = await open();
  const controller = new AbortController();
  const request = { ...JANUARY, tenant: "default", chunkRows: 10 };
  const stopped = materialize(parts, {
    ...request,
    signal: controller.signal,
    onProgress: (progress) => {
      if (progress.view === "calls" && progress.phase === "write") controller.abort();
    },
  });
  await expect(stopped).rejects.toMatchObject({ code: "ABORTED", remedy: expect.stringContaining("same arguments") });
  expect(await rowsOf(parts.store, "calls")).toHaveLength(10);

  const report = await materialize(parts, request);
  expect(report.views.map(({ view, resumed }) => [view, resumed])).toEqual([
    ["plans", true],
    ["calls", true],
  ]);
  expect(report.views[0], "a view that was done is not done again").toMatchObject({
    rows: 2,
    applied: 2,
    duplicate: 0,
  });
  expect(report.views[1]).toMatchObject({ rows: 25, applied: 25, duplicate: 0 });
  const after = await materialize(parts, request);
  expect(
    after.views.every(({ resumed }) => !resumed),
    "a finished run leaves no checkpoint",
  ).toBe(true);
});

test("a store that is away for a moment is tried again; one that stays away fails the run and keeps the checkpoint", async () => {
  await using parts = await open();
  const away = () => new LarderError("STORE_UNAVAILABLE", { what: "Away", remedy: "Wait" });
  const request = { ...JANUARY, views: ["calls"], tenant: "default", chunkRows: 10, retryDelaysMs: [1, 1] };
  const flapping = disturbed(parts.store, (write) => {
    if (write === 2 || write === 3) throw away();
  });
  expect((await materialize({ ...parts, store: flapping }, request)).totals).toMatchObject({ applied: 25 });

  await parts.store.reset({ tenant: "default" }, DEFAULT);
  const gone = disturbed(parts.store, (write) => {
    if (write >= 2) throw away();
  });
  await expect(materialize({ ...parts, store: gone }, request)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  const report = await materialize(parts, request);
  expect(report.views[0]).toMatchObject({ resumed: true, rows: 25, applied: 25, duplicate: 0 });
});

test("a checkpoint of another window, other files or other definitions is not continued", async () => {
  await using parts = await open();
  const request = { ...JANUARY, views: ["calls"], tenant: "default", chunkRows: 10, retryDelaysMs: [] };
  const stop = disturbed(parts.store, (write) => {
    if (write === 2) throw new LarderError("STORE_UNAVAILABLE", { what: "Away", remedy: "Wait" });
  });
  const interrupt = () =>
    expect(materialize({ ...parts, store: stop }, request)).rejects.toMatchObject({ retryable: true });
  await interrupt();
  const other = await materialize(parts, { ...request, end: JANUARY.end + 1 });
  expect(other.views[0]).toMatchObject({ resumed: false, rows: 25, duplicate: 10, applied: 15 });

  const source = await import("@larder/training-features");
  const changed = { ...source, fingerprintSource: async () => "other files" };
  expect((await materialize({ ...parts, source: changed }, request)).views[0]).toMatchObject({ resumed: false });
});

test("of two runs at once on one view the one that was overtaken is refused, and nothing is lost", async () => {
  await using parts = await open();
  const request = { ...JANUARY, views: ["calls"], tenant: "default", chunkRows: 10 };
  const overtaking = Promise.withResolvers<unknown>();
  const source = await import("@larder/training-features");
  const slow: typeof source.readLatestRows = async function* (read) {
    for await (const chunk of source.readLatestRows(read)) {
      yield chunk;
      await overtaking.promise;
    }
  };
  const overtaken = materialize(
    { ...parts, source: { ...source, readLatestRows: slow } },
    {
      ...request,
      onProgress: ({ phase }) => {
        if (phase === "write") overtaking.resolve(materialize(parts, request));
      },
    },
  );
  await expect(overtaken).rejects.toMatchObject({ code: "STORE_CONFLICT" });
  expect(await overtaking.promise).toMatchObject({ totals: { rows: 25 } });
  expect(await rowsOf(parts.store, "calls")).toHaveLength(25);
});

test.each([
  [{ views: ["nothing"] }, "UNKNOWN_VIEW"],
  [{ views: ["pushed"] }, "SOURCE_NOT_FOUND"],
  [{ tenant: "nobody" }, "UNKNOWN_TENANT"],
  [{ tenant: "acme" }, "SOURCE_NOT_FOUND"],
  [{ start: JANUARY.end, end: JANUARY.start }, "INVALID_REQUEST"],
])("%j is refused and nothing is written", async (wrong, code) => {
  await using parts = await open();
  await expect(materialize(parts, { ...JANUARY, tenant: "default", ...wrong })).rejects.toMatchObject({ code });
  for (const tenant of ["default", "acme"]) expect(await rowsOf(parts.store, "calls", tenant)).toEqual([]);
});
