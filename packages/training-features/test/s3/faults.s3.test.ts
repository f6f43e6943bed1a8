import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { basename, join } from "node:path";
import { inspect } from "node:util";
import { isLarderError, type LarderError, type S3Config } from "@larder/schema";
import { type S3Server, startS3, type TemporaryFolder, temporaryFolder } from "@larder/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import {
  buildTrainingSet,
  fingerprintSource,
  type OfflineEngine,
  readFileRows,
  readLatestRows,
  type TrainingSetRequest,
} from "../../src/index.ts";
import { ObjectStore } from "../../src/object-store/object-store.ts";
import { type Fault, type HttpFaults, startHttpFaults } from "../support/http-faults.ts";
import { makeDefinitions, makeView, refsOf } from "../support/make-definitions.ts";
import { testEngine, writeParquet } from "../support/parquet.ts";
import { keysBelow, s3Of, uploadFolder } from "../support/s3-scene.ts";

let server: S3Server;
let road: HttpFaults;
let folder: TemporaryFolder;
let engine: OfflineEngine;
let files = 0;
beforeAll(async () => {
  server = await startS3({ buckets: ["lake", "out"] });
  road = await startHttpFaults(server);
  folder = await temporaryFolder();
  engine = await testEngine();
  const local = join(folder.path, "lake");
  mkdirSync(local);
  await writeParquet(
    engine,
    join(local, "stats.parquet"),
    `SELECT i::BIGINT AS customer_id, TIMESTAMP '2026-01-01' + to_seconds(i) AS event_timestamp, random() AS v FROM range(100000) t(i)`,
    ", ROW_GROUP_SIZE 20000",
  );
  await writeParquet(
    engine,
    join(local, "entities.parquet"),
    `SELECT i::BIGINT AS customer_id, TIMESTAMP '2026-02-01' AS event_timestamp, i % 2 AS label FROM range(50) t(i)`,
  );
  await uploadFolder(s3Of(server, folder.path), local, "s3://lake");
});
afterEach(() => {
  road.decide(() => "none");
  vi.unstubAllEnvs();
});
afterAll(async () => {
  await engine.close();
  await road[Symbol.asyncDispose]();
  await server.stop();
  await folder.remove();
});

const stats = makeView({ name: "stats", features: { v: "float64" } });

/** Definitions whose S3 is at the end of the breakable road, with a cache of their own. */
function definitions(own: Partial<S3Config> = {}, root = "s3://lake") {
  const cachePath = join(folder.path, `cache-${files++}`);
  const s3 = s3Of(server, folder.path, { endpoint: road.endpoint, cachePath, ...own });
  return { ...makeDefinitions(folder.path, [stats]), offlineStore: { type: "duckdb" as const, path: root, s3 } };
}

function request(own: Partial<S3Config> = {}): TrainingSetRequest {
  return {
    definitions: definitions(own),
    features: refsOf(stats),
    entities: join(folder.path, "lake", "entities.parquet"),
    out: join(folder.path, `out-${files++}.parquet`),
    asOf: "event_time",
    tenant: "default",
    engine,
  };
}

async function failureOf(work: Promise<unknown>): Promise<LarderError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isLarderError(error)) throw new Error("It did not fail by a coded error", { cause: error });
  return error;
}

const reads = (requested: string) => road.seen.filter((each) => each.startsWith(requested)).length;

describe.each(["httpfs", "stage"] as const)("%s", (reader) => {
  test("a wrong secret is refused by the server, named, and told nowhere", async () => {
    const secret = "quite-another-secret";
    const credentials = { accessKeyId: server.accessKeyId, secretAccessKey: secret, sessionToken: undefined };
    const asked = request({ reader, credentials });
    const error = await failureOf(buildTrainingSet(asked));
    expect(error).toMatchObject({ code: "SOURCE_UNREADABLE", retryable: false, facts: { status: 403 } });
    expect(error.message).toContain("s3://lake/stats.parquet");
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(secret);
    expect(readdirSync(folder.path).filter((name) => name.startsWith(basename(asked.out, ".parquet")))).toEqual([]);
  });

  test("SlowDown is tried again, and for ever is told", async () => {
    let refused = 0;
    road.decide(() => (refused++ < 3 ? "slow_down" : "none"));
    const { rows } = await buildTrainingSet(request({ reader }));
    expect(rows).toBe(50);
    road.decide(() => "slow_down");
    const error = await failureOf(buildTrainingSet(request({ reader, deadlineMs: 300 })));
    expect(error).toMatchObject({ code: "SOURCE_UNREADABLE", retryable: true, facts: { status: 503 } });
  });

  test("answers that break in the middle are told, and nothing is left; a copy goes on where one broke", async () => {
    const isRead = (each: IncomingMessage) => each.method === "GET" && each.url!.includes("stats.parquet");
    road.decide((each) => (isRead(each) ? { breakAfter: 0 } : "none"));
    const asked = request({ reader, deadlineMs: 300 });
    const error = await failureOf(buildTrainingSet(asked));
    expect(error).toMatchObject({ code: "SOURCE_UNREADABLE", retryable: true });
    expect(error.message).toContain("s3://lake/stats.parquet");
    expect(existsSync(asked.out)).toBe(false);
    if (reader === "httpfs") return; // DuckDB does not try again what broke in the middle
    let broken = 0;
    const ranges: unknown[] = [];
    road.decide((each) => {
      if (!isRead(each)) return "none";
      ranges.push(each.headers.range);
      return broken++ < 3 ? { breakAfter: 100_000 } : "none";
    });
    expect((await buildTrainingSet(request({ reader }))).rows).toBe(50);
    expect(ranges[0]).toBeUndefined();
    expect(ranges.slice(1).every((range) => /^bytes=[1-9]\d*-$/.test(String(range)))).toBe(true);
    expect(ranges.length).toBeGreaterThan(3);
  });

  test("an object whose answers never come ends within the limits, and an abort at once", async () => {
    road.decide((each) => (each.method === "GET" && each.url!.includes("stats.parquet") ? "silence" : "none"));
    const stop = new AbortController();
    const aborted = failureOf(
      buildTrainingSet({ ...request({ reader, timeoutMs: 1000, deadlineMs: 1000 }), signal: stop.signal }),
    );
    const before = reads("GET /lake/stats.parquet");
    await vi.waitUntil(() => reads("GET /lake/stats.parquet") > before, { timeout: 60_000 });
    stop.abort();
    expect(await aborted).toMatchObject({ code: "ABORTED" });
    if (reader === "httpfs") return; // DuckDB's own retries of a silent server take seconds each
    const error = await failureOf(buildTrainingSet(request({ reader, timeoutMs: 100, deadlineMs: 300 })));
    expect(error).toMatchObject({ code: "SOURCE_UNREADABLE", retryable: true });
    expect(error.message).toContain("s3://lake/stats.parquet");
  });

  test("an object that is replaced during the run is noticed", async () => {
    await using own = await temporaryFolder();
    await writeParquet(engine, join(own.path, "stats.parquet"), row(1));
    await uploadFolder(s3Of(server, folder.path), own.path, `s3://lake/moving-${reader}`);
    await writeParquet(engine, join(own.path, "stats.parquet"), row(2));
    const asked = { ...request(), definitions: definitions({ reader }, `s3://lake/moving-${reader}`) };
    let [written, replaced] = [false, false];
    road.decide(async (): Promise<Fault> => {
      if (!written || replaced) return "none";
      replaced = true;
      await uploadFolder(s3Of(server, folder.path), own.path, `s3://lake/moving-${reader}`);
      return "none";
    });
    const onProgress: TrainingSetRequest["onProgress"] = ({ step }) => {
      written ||= step === "write";
    };
    const error = await failureOf(buildTrainingSet({ ...asked, onProgress }));
    expect(error).toMatchObject({ code: "SOURCE_UNREADABLE", retryable: true });
    expect(error.message).toContain("changed while it was read");
    expect(existsSync(asked.out)).toBe(false);
  });
});

const row = (key: number) =>
  `SELECT ${key}::BIGINT AS customer_id, TIMESTAMP '2026-01-01' AS event_timestamp, 1.0::DOUBLE AS v`;

test("which reader ran is said: auto without the extension stages and tells why, httpfs demanded is refused", async () => {
  const httpfsExtension = join(folder.path, "none.duckdb_extension");
  await using fresh = await testEngine();
  const source = { definitions: definitions({ httpfsExtension }), view: stats, tenant: "default", engine: fresh };
  for await (const { notice } of readLatestRows({ ...source, start: 0n, end: 2n ** 60n })) {
    expect(notice).toMatch(/copied to the cache .*httpfs does not load/);
    break;
  }
  const report = await buildTrainingSet({ ...request({ httpfsExtension }), engine: fresh });
  expect(report.manifest.object_reader).toBe("stage");
  expect(report.notices.join()).toMatch(/copied to the cache .*httpfs does not load .*none\.duckdb_extension/s);
  const demanded = buildTrainingSet({ ...request({ httpfsExtension, reader: "httpfs" }), engine: fresh });
  await expect(demanded).rejects.toMatchObject({ code: "MISSING_DEPENDENCY", facts: { package: "httpfs" } });
  const auto = await buildTrainingSet(request());
  expect(auto.manifest.object_reader).toBe("httpfs");
  expect(auto.notices).toContain("Objects in S3 were read in place by DuckDB's httpfs.");
  expect(auto.manifest.views[0]!.inputs).toMatchObject([
    { path: "s3://lake/stats.parquet", sha256: null, rows: 100000 },
  ]);
  expect(report.manifest.views[0]!.inputs[0]!.etag).toBe(auto.manifest.views[0]!.inputs[0]!.etag);
  expect(report.manifest.views[0]!.sql).toEqual(auto.manifest.views[0]!.sql);
});

test("copies are kept by ETag, their bytes bounded, the longest unused gone first", async () => {
  const [size, cachePath] = [statSync(join(folder.path, "lake", "stats.parquet")).size, join(folder.path, "bounded")];
  const limits = { reader: "stage", cachePath, cacheMaxBytes: size + 10 } as const;
  const gets = () => reads("GET /lake/stats.parquet");
  const before = gets();
  await buildTrainingSet(request(limits));
  await buildTrainingSet(request(limits));
  expect(gets()).toBe(before + 1);
  expect(readdirSync(join(cachePath, "runs"))).toEqual([]);
  await buildTrainingSet({ ...request(limits), entities: "s3://lake/entities.parquet" });
  const held = readdirSync(join(cachePath, "objects")).reduce(
    (sum, name) => sum + statSync(join(cachePath, "objects", name)).size,
    0,
  );
  expect(held).toBeLessThanOrEqual(limits.cacheMaxBytes);
  await expect(buildTrainingSet(request({ ...limits, cacheMaxBytes: 1000 }))).rejects.toMatchObject({
    code: "UNSUPPORTED",
    facts: { cache_max_bytes: 1000 },
  });
});

test("a training set goes up whole, in parts where it is large, its manifest last; secrets are not in it", async () => {
  const out = "s3://out/sets/train.parquet";
  const report = await buildTrainingSet({ ...request(), entities: "s3://lake/entities.parquet", out });
  expect(report).toMatchObject({ out, manifestPath: "s3://out/sets/train.manifest.json" });
  expect(await keysBelow(s3Of(server, folder.path), "s3://out/sets/")).toEqual([
    "sets/train.manifest.json",
    "sets/train.parquet",
  ]);
  expect(JSON.stringify(report)).not.toContain(server.secretAccessKey);
  expect(report.manifest).toMatchObject({
    entities: { path: "s3://lake/entities.parquet" },
    output: { path: "train.parquet" },
  });
  expect(road.seen.findLast((each) => each.startsWith("PUT"))).toContain("train.manifest.json");

  const large = join(folder.path, "large.bin");
  writeFileSync(large, Buffer.alloc(20 * 1024 * 1024, "larder"));
  await using store = new ObjectStore(s3Of(server, folder.path));
  await store.upload(large, "s3://out/large.bin", undefined);
  const object = await store.find("s3://out/large.bin", undefined);
  expect(readFileSync(await store.copy(object!, undefined)).equals(readFileSync(large))).toBe(true);
});

test("an upload that fails leaves no object", async () => {
  road.decide((each) => (each.method === "PUT" && each.url!.includes("manifest") ? "slow_down" : "none"));
  const work = buildTrainingSet({ ...request({ deadlineMs: 200 }), out: "s3://out/failed/train.parquet" });
  await expect(work).rejects.toMatchObject({ code: "OUTPUT_UNWRITABLE", retryable: true });
  expect(await keysBelow(s3Of(server, folder.path), "s3://out/failed/")).toEqual([]);
  const nowhere = buildTrainingSet({ ...request(), out: "s3://no-such-bucket/train.parquet" });
  await expect(nowhere).rejects.toMatchObject({ code: "OUTPUT_UNWRITABLE" });
});

test("keys come from AWS's chain: the environment's, a profile's; none is told", async () => {
  const of = (own: Partial<S3Config>) =>
    fingerprintSource(definitions({ credentials: undefined, ...own }), stats, "default");
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  vi.stubEnv("AWS_ACCESS_KEY_ID", server.accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", server.secretAccessKey);
  const known = await of({});
  vi.stubEnv("AWS_ACCESS_KEY_ID", undefined);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", undefined);
  const profile = join(folder.path, "credentials");
  writeFileSync(
    profile,
    `[lake]\naws_access_key_id=${server.accessKeyId}\naws_secret_access_key=${server.secretAccessKey}\n`,
  );
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", profile);
  vi.stubEnv("AWS_CONFIG_FILE", join(folder.path, "none"));
  vi.stubEnv("AWS_PROFILE", "lake");
  expect(await of({})).toBe(known);
  vi.stubEnv("AWS_PROFILE", "other");
  await expect(of({})).rejects.toMatchObject({ code: "SOURCE_UNREADABLE", retryable: false });
});

test("latest rows and the rows of a file come from S3; a fingerprint knows the ETags", async () => {
  const window = { start: 0n, end: 2n ** 60n };
  for await (const chunk of readLatestRows({
    definitions: definitions(),
    view: stats,
    tenant: "default",
    ...window,
    engine,
  })) {
    expect(chunk).toMatchObject({ total: 100_000 });
    break;
  }
  for (const reader of ["httpfs", "stage"] as const) {
    const source = { definitions: definitions({ reader }), view: stats, file: "s3://lake/stats.parquet" };
    for await (const { rows, columns } of readFileRows(source)) {
      expect([rows[0]!["customer_id"], columns]).toEqual([0n, ["customer_id", "event_timestamp", "v"]]);
      break;
    }
    const missing = readFileRows({ ...source, file: "s3://lake/none.parquet" })[Symbol.asyncIterator]();
    await expect(missing.next()).rejects.toMatchObject({ code: "SOURCE_NOT_FOUND" });
  }
});
