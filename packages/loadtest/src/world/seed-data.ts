import { linkSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { EXAMPLE } from "./write-definitions.ts";

/** The columns of each view of the example, as texts of DuckDB. */
const VIEWS: Readonly<Record<string, readonly string[]>> = {
  churn_features: [
    ...["tenure::FLOAT AS tenure_months", "female::FLOAT AS female", "senior_citizen::FLOAT AS senior_citizen"],
    ...[
      "partner::FLOAT AS partner",
      "dependents::FLOAT AS dependents",
      "paperless_billing::FLOAT AS paperless_billing",
    ],
    ...["contract", "payment_method"],
  ],
  billing: [
    ...["monthly_charges::FLOAT AS monthly_charges", "total_charges::FLOAT AS total_charges"],
    "202600000000 + customer_id AS last_invoice",
  ],
  services: [
    ...["phone_service::FLOAT AS phone_service", "internet_service", "multiple_lines", "online_security"],
    ...["online_backup", "device_protection", "tech_support", "streaming_tv", "streaming_movies"],
  ],
};

/**
 * Writes Parquet files for the example's views below `folder`: `<view>/<tenant>/rows.parquet`, one row for each of the customers 1 to `entities`. Their
 * features are those of the example's sample, taken in turn; every tenant has the same.
 */
export async function seedData(folder: string, entities: number, tenants: readonly string[]): Promise<void> {
  const [first = "default", ...others] = tenants;
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  try {
    const sample = quoted(join(EXAMPLE, "data", "telco_churn.csv"));
    await connection.run(
      `CREATE TABLE sample AS SELECT row_number() OVER () - 1 AS place, * FROM read_csv(${sample}, header = true)`,
    );
    for (const [view, columns] of Object.entries(VIEWS)) {
      for (const tenant of tenants) mkdirSync(join(folder, view, tenant), { recursive: true });
      const path = join(folder, view, first, "rows.parquet");
      await connection.run(`COPY (
        SELECT customer_id, now() - INTERVAL 1 DAY AS event_timestamp, now() - INTERVAL 1 DAY AS created, false AS deleted,
          ${columns.join(", ")}
        FROM (SELECT unnest(range(1, ${entities + 1})) AS customer_id)
        JOIN sample ON sample.place = customer_id % (SELECT count(*) FROM sample)
      ) TO ${quoted(path)} (FORMAT parquet)`);
      for (const tenant of others) linkSync(path, join(folder, view, tenant, "rows.parquet"));
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
