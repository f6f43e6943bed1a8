import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { S3Config } from "@larder/schema";
import { type S3Server, startS3, type TemporaryFolder, temporaryFolder } from "@larder/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildTrainingSet, type OfflineEngine, readLatestRows } from "../../src/index.ts";
import { ObjectStore } from "../../src/object-store/object-store.ts";
import { goldenFolder, goldenRequest, goldenRuns } from "../support/golden-cases.ts";
import { makeDefinitions, makeView } from "../support/make-definitions.ts";
import { parquetRows, testEngine, writeParquet } from "../support/parquet.ts";
import { s3Of, uploadFolder } from "../support/s3-scene.ts";

let server: S3Server;
let folder: TemporaryFolder;
let engine: OfflineEngine;
beforeAll(async () => {
  server = await startS3();
  folder = await temporaryFolder();
  engine = await testEngine();
  await uploadFolder(s3Of(server, folder.path), goldenFolder, "s3://lake/golden");
});
afterAll(async () => {
  await engine.close();
  await server.stop();
  await folder.remove();
});

/** Definitions of views in S3. */
function inS3(path: string, views: Parameters<typeof makeDefinitions>[1], s3: S3Config, tenants?: readonly string[]) {
  return { ...makeDefinitions(folder.path, views, tenants), offlineStore: { type: "duckdb" as const, path, s3 } };
}

/** Writes Parquet files by SQL and puts them below an address. */
async function put(url: string, files: Readonly<Record<string, string>>): Promise<void> {
  await using local = await temporaryFolder();
  for (const [name, select] of Object.entries(files)) {
    mkdirSync(dirname(join(local.path, name)), { recursive: true });
    await writeParquet(engine, join(local.path, name), select);
  }
  await uploadFolder(s3Of(server, folder.path), local.path, url);
}

const row = (key: number, time = "2026-01-01", v = "1.0::DOUBLE") =>
  `SELECT ${key}::BIGINT AS customer_id, TIMESTAMP '${time}' AS event_timestamp, ${v} AS v`;

const view = (path: string, source = {}) =>
  makeView({ name: "stats", features: { v: "float64" }, source: { path, ...source } });

describe.each(["httpfs", "stage"] as const)("read by %s", (reader) => {
  test("golden cases have the rows that they have in local files", { timeout: 300_000 }, async () => {
    // Statements are the same for both; the one that sends ranged requests reads every case.
    for (const run of goldenRuns.filter((_, i) => reader === "httpfs" || i % 3 === 0)) {
      const local = goldenRequest(run, "s3://lake/golden");
      const s3 = s3Of(server, folder.path, { reader });
      const definitions = {
        ...local.definitions,
        folder: folder.path,
        offlineStore: { type: "duckdb" as const, path: local.definitions.offlineStore.path, s3 },
      };
      const out = join(folder.path, `${reader}.parquet`);
      const report = await buildTrainingSet({ ...local, definitions, out, engine });
      const wanted = await parquetRows(engine, run.expected);
      expect(await parquetRows(engine, out), `${run.name} ${run.mode}`).toEqual(wanted);
      expect(report.manifest.object_reader).toBe(reader);
    }
  });

  /** The customers that a source in S3 has. */
  async function customers(
    path: string,
    s3 = s3Of(server, folder.path, { reader }),
    tenant = "default",
  ): Promise<unknown[]> {
    const source = view(path);
    const definitions = inS3(`s3://lake/rows-${reader}/`, [source], s3, ["default", "acme"]);
    const found: unknown[] = [];
    const window = { start: -(2n ** 62n), end: 2n ** 62n };
    for await (const chunk of readLatestRows({ definitions, view: source, tenant, ...window, engine })) {
      found.push(...chunk.rows.map((record) => record["customer_id"]));
    }
    return found;
  }

  test("an object, a glob, a folder, Hive's folders, a tenant's; odd names", async () => {
    await put(`s3://lake/rows-${reader}`, {
      "one.parquet": row(1),
      "f/a.parquet": row(2),
      "f/b.parquet": row(3),
      "f/deep/c d+e=ü %41.parquet": row(4),
      "f/_temporary/x.parquet": row(5),
      "f/.hidden.parquet": row(6),
      "day=2026-01-01/p.parquet": row(7),
      "day=2026-01-02/p.parquet": row(8),
      "t/acme/p.parquet": row(9),
      "odd[1]*.parquet": row(10),
    });
    expect(await customers("one.parquet")).toEqual([1n]);
    expect(await customers("f/*.parquet")).toEqual([2n, 3n]);
    expect(await customers("f")).toEqual([2n, 3n, 4n]);
    expect(await customers("f/**/*.parquet")).toEqual([2n, 3n, 4n, 5n]);
    expect(await customers("day=*/p.parquet")).toEqual([7n, 8n]);
    expect(await customers(`s3://lake/rows-${reader}/one.parquet`)).toEqual([1n]);
    expect(await customers("t/{tenant}", undefined, "acme")).toEqual([9n]);
    expect(await customers("odd[1]*.parquet")).toEqual([10n]);
  });

  test("nothing there: the view and the address are named", async () => {
    await expect(customers("none/*.parquet")).rejects.toMatchObject({
      code: "SOURCE_NOT_FOUND",
      facts: { view: "stats" },
    });
    await expect(customers("s3://no-such-bucket/x.parquet")).rejects.toMatchObject({ code: "SOURCE_NOT_FOUND" });
  });

  test("what is no Parquet is named by its address, what is damaged by its column, too", async () => {
    await using store = new ObjectStore(s3Of(server, folder.path));
    await store.upload(import.meta.filename, "s3://lake/bad/bad.parquet", undefined);
    await expect(customers("s3://lake/bad/bad.parquet")).rejects.toMatchObject({
      code: "SOURCE_UNREADABLE",
      facts: { file: "s3://lake/bad/bad.parquet" },
    });
    await using local = await temporaryFolder();
    const path = join(local.path, "b.parquet");
    await writeParquet(engine, path, row(1));
    await writeParquet(engine, join(local.path, "a.parquet"), row(2));
    const [page] = await engine.rows(
      `SELECT data_page_offset AS at FROM parquet_metadata('${path}') WHERE path_in_schema = 'v'`,
      { subject: { kind: "plan" } },
    );
    const start = Number(page!["at"]);
    writeFileSync(path, readFileSync(path).fill(0xff, start, start + 8));
    await uploadFolder(s3Of(server, folder.path), local.path, `s3://lake/damaged-${reader}`);
    await expect(customers(`s3://lake/damaged-${reader}/*.parquet`)).rejects.toMatchObject({
      code: "SOURCE_UNREADABLE",
      facts: { file: `s3://lake/damaged-${reader}/b.parquet`, column: "v" },
    });
  });
});
