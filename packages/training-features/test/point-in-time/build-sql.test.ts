import { expect, test } from "vitest";
import { readColumn, readKey, readTime } from "../../src/offline/column-type.ts";
import type { SourceTable } from "../../src/offline/source-table.ts";
import {
  fetchSql,
  joinedSql,
  locateSql,
  outputSql,
  settleSql,
  tiedSql,
  type ViewPlan,
  wantedSql,
} from "../../src/point-in-time/build-sql.ts";
import { type AsOf, compileJoinSpec } from "../../src/point-in-time/join-spec.ts";
import { makeView, refsOf } from "../support/make-definitions.ts";

const view = makeView({
  name: "churn_features",
  joinKeys: [
    { name: "customer_id", type: "int64" },
    { name: "region", type: "string" },
  ],
  features: { tenure: "float32", contract: "string", seen_at: "unix_timestamp" },
  ttl: 86_400_000_000,
  source: {
    createdTimestampColumn: "created",
    createdMeans: "arrival",
    tombstoneColumn: "deleted",
    tenantColumn: "tenant",
  },
});

/** A plan over one file whose columns have these types. */
function planOf(asOf: AsOf): ViewPlan {
  const spec = compileJoinSpec({ asOf, features: refsOf(view, { features: ["tenure", "seen_at"] }) });
  const column = (name: string, found: string, reading: ReturnType<typeof readTime>) => ({
    column: name,
    found,
    reading: reading!,
  });
  const table: SourceTable = {
    view,
    tenant: "it's",
    files: ["/data/churn/a.parquet"],
    state: new Map(),
    rows: new Map([["/data/churn/a.parquet", 3]]),
    paths: new Map([["/data/churn/a.parquet", "/data/churn/a.parquet"]]),
    subject: { kind: "source", view: view.name, files: ["/data/churn/a.parquet"] },
    nameOf: (path) => path,
    groups: [
      {
        files: ["/data/churn/a.parquet"],
        keys: [
          column("customer_id", "INTEGER", readKey('"customer_id"', "INTEGER", "int64")),
          column("region", "VARCHAR", readKey('"region"', "VARCHAR", "string")),
        ],
        event: column("event_timestamp", "TIMESTAMP", readTime('"event_timestamp"', "TIMESTAMP")),
        created: column("created", "TIMESTAMP WITH TIME ZONE", readTime('"created"', "TIMESTAMP WITH TIME ZONE")),
        tombstone: 'coalesce("deleted", false)',
        tenant: '"tenant"',
        features: [
          column("tenure", "DOUBLE", readColumn('"tenure"', "DOUBLE", "float32")),
          column("contract", "VARCHAR", readColumn('"contract"', "VARCHAR", "string")),
          column("seen_at", "TIMESTAMP", readColumn('"seen_at"', "TIMESTAMP", "unix_timestamp")),
        ],
      },
    ],
  };
  return {
    projection: spec.projections[0]!,
    index: 0,
    table,
    range: { from: 1_767_225_600_000_001n, to: 1_767_312_000_000_000n },
    cutKeys: true,
    entityKeys: ["c0", "c1"],
    entityTime: "epoch_us(c2)",
    pathOf: (file) => file.replace("/data/", "data/"),
  };
}

test.each(["event_time", "bitemporal"] as const)("the statements of a join as of %s", (asOf) => {
  const plan = planOf(asOf);
  const statements = [
    wantedSql(plan),
    locateSql(plan, asOf, "located", "wanted"),
    fetchSql(plan),
    tiedSql(plan),
    ...settleSql(plan),
    joinedSql(plan),
  ];
  expect(statements.join(";\n\n")).toMatchSnapshot();
});

test("the statement of the output", () => {
  const spec = compileJoinSpec({ asOf: "event_time", fullFeatureNames: true, features: refsOf(view) });
  expect(outputSql(spec, ["customer_id", "region", "event_timestamp", 'the "label"'])).toMatchInlineSnapshot(`
    "SELECT e.c0 AS "customer_id", e.c1 AS "region", e.c2 AS "event_timestamp", e.c3 AS "the ""label""", j0.v0 AS "churn_features__tenure", j0.v1 AS "churn_features__contract", make_timestamptz(j0.v2 * 1000000) AS "churn_features__seen_at"
    FROM entity_rows AS e
    LEFT JOIN joined_0 AS j0 ON j0.row_no = e.rowid
    ORDER BY e.rowid"
  `);
});

test("a bound outside the years that a literal can say is left to the exact comparison", () => {
  const plan = planOf("event_time");
  const sql = locateSql(
    { ...plan, range: { from: -(2n ** 63n), to: 2n ** 63n - 1n } },
    "event_time",
    "located",
    "wanted",
  );
  expect(sql).toContain(`epoch_us("event_timestamp") >= CAST('-9223372036854775808' AS BIGINT)`);
  expect(sql).toContain(`epoch_us("event_timestamp") <= CAST(9223372036854775807 AS BIGINT)`);
});
