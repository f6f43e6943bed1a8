/** A store whose deadlines are none of a test's business: a busy machine may take its time. */
export const STORE = "{ type: sqlite, path: online/store.db, deadline: 30s, write_deadline: 30s }";

/** What most tests of this package run on: two views with Parquet sources in `data/`, a service, two tenants, SQLite. */
export const YAML = `project: shop
online_store: ${STORE}
offline_store: { type: duckdb, path: data }
entities:
  - { name: customer, join_keys: [{ name: customer_id, type: int64 }] }
  - { name: outlet, join_keys: [{ name: country, type: string }, { name: number, type: int32 }] }
feature_views:
  - name: plans
    entity: customer
    online_ttl: 3650d
    features:
      - { name: price, type: int64 }
      - { name: plan, type: string }
      - { name: invoices, type: list<int64> }
    source: { path: plans, timestamp_field: event_timestamp, created_timestamp_column: created, created_means: arrival }
  - name: sales
    entity: outlet
    features: [{ name: turnover, type: float64 }, { name: opened, type: unix_timestamp }, { name: logo, type: bytes }]
feature_services:
  - { name: plans_v1, features: ["plans:price", "plans:plan"] }
tenants: { default: {}, acme: {} }
`;

/** The same, with rows that end with the process: no file, no thread. */
export const IN_MEMORY = YAML.replace(
  /^online_store: .*$/m,
  "online_store: { type: memory, deadline: 30s, write_deadline: 30s }",
);

/** Two customers with one row each in March 2024, and an older one of the first. */
export const PLANS = `SELECT * FROM (VALUES
  (1::BIGINT, TIMESTAMP '2024-03-01 00:00:00', TIMESTAMP '2024-03-02', 10::BIGINT, 'basic', [1, 2]::BIGINT[]),
  (1, TIMESTAMP '2024-03-10 00:00:00.000001', TIMESTAMP '2024-03-11', 11, 'more', [3]),
  (2, TIMESTAMP '2024-03-05 00:00:00', NULL, NULL, NULL, NULL)
) t(customer_id, event_timestamp, created, price, plan, invoices)`;

/** A row of customer 2 that is newer than the one in {@link PLANS} and was created long after its event time. */
export const LATE = `SELECT 2::BIGINT AS customer_id, TIMESTAMP '2024-03-05 12:00:00' AS event_timestamp, TIMESTAMP '2024-03-20' AS created,
  22::BIGINT AS price, 'late' AS plan, NULL::BIGINT[] AS invoices`;
