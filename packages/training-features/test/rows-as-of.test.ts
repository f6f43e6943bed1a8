import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JoinKey, KeyValue } from "@larder/schema";
import { temporaryFolder } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type OfflineEngine, readRowsAsOf } from "../src/index.ts";
import { makeDefinitions, makeView } from "./support/make-definitions.ts";
import { testEngine, writeParquet } from "./support/parquet.ts";

let engine: OfflineEngine;
beforeAll(async () => {
  engine = await testEngine();
});
afterAll(() => engine.close());

const AT = 1_767_225_600_000_000n;
const KEYS: readonly JoinKey[] = [
  { name: "id", type: "int64" },
  { name: "word", type: "string" },
  { name: "raw", type: "bytes" },
];

/** The values of `v` that a view's source had, by `id`. */
async function found(
  folder: string,
  keys: readonly JoinKey[],
  entityKeys: readonly (readonly KeyValue[])[],
  from?: bigint,
) {
  const view = makeView({ name: "stats", joinKeys: keys, features: { v: "float64" } });
  const definitions = makeDefinitions(folder, [view]);
  const { rows } = await readRowsAsOf({ definitions, view, tenant: "default", entityKeys, at: AT, from, engine });
  return rows.map((row) => row["v"]).sort();
}

test("rows of the asked keys only, whatever is in the keys", async () => {
  await using folder = await temporaryFolder();
  const row = (id: bigint, word: string, raw: string, v: number) =>
    `SELECT ${id}::BIGINT AS id, ${word} AS word, ${raw}::BLOB AS raw, make_timestamp(${AT}) AS event_timestamp, ${v}::DOUBLE AS v`;
  const rows = [
    row(2n ** 53n + 1n, "'it''s'", "'\\x00'", 1),
    row(2n ** 53n, "'it''s'", "'\\x00'", 2),
    row(7n, "'a' || chr(0)", "'\\xFF'", 3),
    row(7n, "'a'", "'\\xFF'", 4),
    row(7n, "'a' || chr(0)", "''", 5),
  ];
  await writeParquet(engine, join(folder.path, "stats.parquet"), rows.join(" UNION ALL "));
  const zero = Uint8Array.of(0);
  const full = Uint8Array.of(255);
  const one = [2n ** 53n + 1n, "it's", zero] as const;
  expect(await found(folder.path, KEYS, [one])).toEqual([1]);
  expect(await found(folder.path, KEYS, [one, [7n, "a\0", full], [7n, "a\0", zero]])).toEqual([1, 3]);
  expect(
    await found(folder.path, KEYS, [
      [7n, "a\0", new Uint8Array()],
      [7n, "a", full],
    ]),
  ).toEqual([4, 5]);
  expect(await found(folder.path, KEYS.slice(0, 1), [[2n ** 53n], [2n ** 53n + 1n], [9n]])).toEqual([1, 2]);
  expect(await found(folder.path, KEYS.slice(2), [[zero], [new Uint8Array()]])).toHaveLength(2);
  expect(await found(folder.path, [], [[]])).toEqual([5]);
  expect(await found(folder.path, KEYS, [])).toEqual([]);
});

test("row groups of other keys and other times are not read: one that is damaged hurts only who needs it", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "stats.parquet");
  const rows = `SELECT i AS id, make_timestamp(${AT} - i * 1000) AS event_timestamp, hash(i)::DOUBLE AS v FROM range(10000) t(i)`;
  await writeParquet(engine, file, rows, ", ROW_GROUP_SIZE 2048");
  const [page] = await engine.rows(
    `SELECT data_page_offset AS at FROM parquet_metadata('${file}') WHERE path_in_schema = 'v' AND row_group_id = 2`,
    { subject: { kind: "plan" } },
  );
  const at = Number(page!["at"]);
  writeFileSync(file, readFileSync(file).fill(0xff, at, at + 8));
  const keys = KEYS.slice(0, 1);
  expect(await found(folder.path, keys, [[5n], [2000n], [9000n]])).toHaveLength(3);
  const damaged = { code: "SOURCE_UNREADABLE", facts: { file, column: "v" } };
  await expect(found(folder.path, keys, [[5n], [5000n]])).rejects.toMatchObject(damaged);
  expect(await found(folder.path, keys, [[5n], [5000n]], AT - 1_000_000n)).toHaveLength(1);
});
