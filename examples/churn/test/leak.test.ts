import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { expect, test } from "vitest";
import { churnFolder, replaceOnce } from "./churn-folder.ts";

/** A view that the retention desk fills after a customer has given notice, and dates on the day before. */
const VIEW = `feature_views:
  - name: retention
    entity: customer
    features: [{ name: offers_made, type: int64 }]
    source:
      path: retention.parquet
      timestamp_field: event_timestamp
`;

test("the linter finds nothing in the example, and the column that leaks once there is one", {
  timeout: 120_000,
}, async () => {
  await using folder = await churnFolder((yaml) => replaceOnce(yaml, /^feature_views:\n/m, VIEW));
  expect((await folder.generate()).code).toBe(0);
  await plantLeak(folder.path);
  const build = (...options: readonly string[]) =>
    folder.larder(
      "training-set",
      "--entities",
      "data/labels.parquet",
      "--lint",
      "--label",
      "churn",
      ...options,
      "--json",
    );

  const honest = await build("--service", "churn_v1", "--out", "train.parquet");
  expect(JSON.parse(honest.stdout)).toMatchObject({ rows: 12_834, findings: [] });

  const features = "billing:monthly_charges,retention:offers_made";
  const leaking = await build("--features", features, "--out", "leaking.parquet", "--fail-on", "error");
  expect([leaking.code, JSON.parse(leaking.stdout).error]).toMatchObject([
    1,
    { code: "LEAK_FOUND", facts: { codes: ["FEATURE_PREDICTS_LABEL"] }, problems: [{ field: "offers_made" }] },
  ]);
});

/** One row per label, the day before; those who leave were made offers, and few others. */
async function plantLeak(folder: string): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  try {
    const quoted = (...parts: readonly string[]) => `'${join(folder, ...parts).replaceAll("'", "''")}'`;
    await connection.run(
      `COPY (SELECT customer_id, event_timestamp - INTERVAL 1 DAY AS event_timestamp,
        (CASE WHEN churn OR hash(customer_id) % 500 = 0 THEN 1 + hash(customer_id, 1) % 3 ELSE 0 END)::BIGINT AS offers_made
        FROM ${quoted("data", "labels.parquet")}) TO ${quoted("data", "retention.parquet")} (FORMAT parquet)`,
    );
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
