// Writes the Parquet files of the template that `larder init` copies: `pnpm --filter larder template-data`. The same rows every time.
import { fileURLToPath } from "node:url";
import { DuckDBInstance } from "@duckdb/node-api";

const folder = fileURLToPath(new URL("../template/", import.meta.url));

// Three month ends of 2024 for 100 customers. Rows of a month are created a day later; every twentieth customer's come two days late.
// `returns_30d` is there for a feature that is added later.
const ORDERS = `
  SELECT
    c::BIGINT AS customer_id,
    m AS event_timestamp,
    m + CASE WHEN c % 20 = 0 THEN INTERVAL 3 DAY ELSE INTERVAL 1 DAY END AS created,
    ((c * 7 + month(m) * 3) % 9)::BIGINT AS orders_30d,
    round(((c * 7 + month(m) * 3) % 9) * (10 + (c * 13) % 37) * 1.05, 2)::DOUBLE AS spent_30d,
    CASE WHEN (c * 7 + month(m) * 3) % 9 = 0 THEN NULL
         ELSE (['books', 'garden', 'kitchen', 'toys'])[1 + (c + month(m)) % 4] END AS last_category,
    ((c + month(m)) % 3)::BIGINT AS returns_30d
  FROM range(1, 101) customers(c),
    (VALUES (TIMESTAMP '2024-01-31'), (TIMESTAMP '2024-02-29'), (TIMESTAMP '2024-03-31')) months(m)
  ORDER BY m, c`;

// Whether a customer had left by the end of a month, for every fourth of them.
const LABELS = `
  SELECT c::BIGINT AS customer_id, m AS event_timestamp, (c + month(m)) % 5 = 0 AS left_shop
  FROM range(1, 101, 4) customers(c), (VALUES (TIMESTAMP '2024-03-15'), (TIMESTAMP '2024-04-15')) months(m)
  ORDER BY m, c`;

const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
const connection = await instance.connect();
for (const [file, query] of Object.entries({ "data/customer_orders/2024.parquet": ORDERS, "labels.parquet": LABELS })) {
  const path = `${folder}${file}`.replaceAll("'", "''");
  await connection.run(`SET TimeZone = 'UTC'; COPY (${query}) TO '${path}' (FORMAT parquet, COMPRESSION zstd)`);
}
connection.closeSync();
instance.closeSync();
