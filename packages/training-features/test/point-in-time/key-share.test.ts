import { join } from "node:path";
import { temporaryFolder } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { OfflineEngine } from "../../src/index.ts";
import { makeView } from "../support/make-definitions.ts";
import { testEngine } from "../support/parquet.ts";
import { buildScene } from "../support/training-set.ts";

let engine: OfflineEngine;
beforeAll(async () => {
  engine = await testEngine();
});
afterAll(() => engine.close());

const view = makeView({
  name: "stats",
  features: { v: "int64" },
  source: { createdTimestampColumn: "created", createdMeans: "arrival" },
});
const at = (seconds: string) => `TIMESTAMP '2026-01-01' + to_seconds(${seconds})`;
/** 1,000 rows of ten customers: each has one every ten seconds, known five seconds later, with its number as value. */
const stats = `SELECT (i % 10)::BIGINT AS customer_id, ${at("i")} AS event_timestamp, ${at("i + 5")} AS created, i::BIGINT AS v FROM range(1000) t(i)`;

test.each([
  { customers: 3, cut: true },
  { customers: 9, cut: false },
])(
  "where $customers of ten customers are asked for, rows of others are dropped first: $cut",
  async ({ customers, cut }) => {
    for (const asOf of ["event_time", "bitemporal"] as const) {
      await using folder = await temporaryFolder();
      const entities = `SELECT (i % ${customers})::BIGINT AS customer_id, ${at("500 + i")} AS event_timestamp FROM range(90) t(i)`;
      const files = { "stats.parquet": stats, "entities.parquet": entities };
      const { report, rows } = await buildScene({ engine, folder: folder.path, views: [view], files }, { asOf });
      const located = report.manifest.views[0]?.sql.find((sql) => sql.includes("TABLE located")) ?? "";
      expect(located.includes("SEMI JOIN wanted")).toBe(cut);
      const known = (i: number) => 500 + i - (asOf === "bitemporal" ? 5 : 0);
      const last = (customer: number, second: number) => second - ((second - customer) % 10);
      expect(rows.map(({ v }) => v)).toEqual(rows.map((_, i) => BigInt(last(i % customers, known(i)))));
      expect(report.out).toBe(join(folder.path, "train.parquet"));
    }
  },
);
