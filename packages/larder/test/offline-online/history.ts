import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import fc from "fast-check";

/** From here on everything happens: far ahead of any server's clock, so that only the logical one ends a row's life; odd to the microsecond. */
export const T0 = Date.UTC(2100, 0, 1) * 1000 + 654_321;

/** A view, as the yaml of {@link offlineYaml} has it. Times in microseconds. */
export interface ViewRules {
  readonly name: string;
  readonly keys: readonly ("id" | "word")[];
  readonly ttl: number | undefined;
  readonly keepStale: number;
  /** Created times say when a row arrived. */
  readonly arrival: boolean;
  readonly created: boolean;
  readonly tombstones: boolean;
  /** Rows of two tenants in one file. */
  readonly tenants: boolean;
}

export const VIEWS: readonly ViewRules[] = [
  view({ name: "arrivals", keys: ["id"], ttl: 3, keepStale: 2, arrival: true, created: true, tombstones: true }),
  view({ name: "loads", keys: ["word", "id"], created: true, tombstones: true }),
  view({ name: "alone", ttl: 2 }),
  view({ name: "shared", keys: ["id"], ttl: 4, keepStale: 1, arrival: true, created: true, tenants: true }),
];

function view(rules: Partial<ViewRules> & { readonly name: string }): ViewRules {
  const none = { keys: [], ttl: undefined, keepStale: 0, arrival: false, created: false, tombstones: false };
  return { ...none, tenants: false, ...rules };
}

/** Of every view, in its order. */
export const FEATURES = ["i", "s", "f"] as const;

const TYPES = "[{ name: i, type: int64 }, { name: s, type: string }, { name: f, type: float64 }]";

/** Definitions of {@link VIEWS} over files below `data`. */
export function offlineYaml(onlineStore: string, data: string, tenants = "{ default: {}, acme: {} }"): string {
  const views = VIEWS.map(({ name, keys, ttl, keepStale, arrival, created, tombstones, tenants }) => {
    const entities = keys.length === 0 ? [] : keys.length === 1 ? ["thing"] : ["thing", "word"];
    const source = [
      `path: ${name}/*.parquet, timestamp_field: event_timestamp`,
      created ? `created_timestamp_column: created, created_means: ${arrival ? "arrival" : "load_time"}` : "",
      tombstones ? "tombstone_column: gone" : "",
      tenants ? "tenant_column: tenant" : "",
    ].filter((part) => part !== "");
    return `  - name: ${name}
    entities: [${entities.join(", ")}]
    ${ttl === undefined ? "online_ttl: none" : `ttl: ${ttl}us`}
    keep_stale: ${keepStale}us
    features: ${TYPES}
    source: { ${source.join(", ")} }`;
  });
  return `project: shop
online_store: ${onlineStore}
offline_store: { type: duckdb, path: ${data} }
entities:
  - { name: thing, join_keys: [{ name: id, type: int64 }] }
  - { name: word, join_keys: [{ name: word, type: string }] }
feature_views:
${views.join("\n")}
feature_services:
  - name: twice
    features: ["arrivals:i", "arrivals:f", { view: arrivals, name_alias: others, join_key_map: { id: other_id }, features: [s] }]
tenants: ${tenants}
`;
}

const IDS = [2n ** 53n, 2n ** 53n + 1n, -(2n ** 63n)];
const WORDS = ["", "a", "e\u0301,", "🥫"];

/** A row of the past: times in microseconds after {@link T0}. */
export interface PastRow {
  readonly id: bigint;
  readonly word: string;
  readonly tenant: string;
  readonly event: number;
  readonly created: number | null;
  readonly gone: boolean | null;
  readonly i: bigint | null;
  readonly s: string | null;
  readonly f: number | null;
}

const moment = fc.integer({ min: 0, max: 9 });
const pastRow = fc.record<PastRow>({
  id: fc.constantFrom(IDS[0]!, ...IDS),
  word: fc.constantFrom("a", ...WORDS),
  tenant: fc.constantFrom("default", "default", "acme"),
  event: moment,
  created: fc.option(moment, { freq: 12 }),
  gone: fc.constantFrom(false, false, false, false, true, null),
  i: fc.constantFrom(null, 0n, 1n, 2n ** 53n + 1n, -(2n ** 63n)),
  s: fc.constantFrom(null, "", "x", "🥫"),
  f: fc.constantFrom(null, 0, -1.5, 1.5, Number.NaN, Number.NEGATIVE_INFINITY),
});

/** Rows of nobody who is asked for, from long before: a time before every row is another matter. */
const ANCHORS: readonly PastRow[] = ["default", "acme"].map((tenant) => {
  const times = { event: -1000, created: -1000 };
  return { id: 99n, word: "", tenant, ...times, gone: null, i: null, s: null, f: null };
});

/** When to look, by a row that is picked: at and beside its event and its arrival, the end of its TTL, and of its keep. */
const edge = fc.record({
  view: fc.nat({ max: VIEWS.length - 1 }),
  row: fc.nat(),
  edge: fc.constantFrom("event", "created", "ttl", "ttl", "keep", "keep"),
  beside: fc.constantFrom(-1, 0, 0, 1),
});

/** Rows of each view, with ties, late arrivals, tombstones and nulls, and two times to look, in microseconds after {@link T0}. */
export const past = fc
  .record({
    rows: fc.array(fc.array(pastRow, { maxLength: 25 }), { minLength: VIEWS.length, maxLength: VIEWS.length }),
    edges: fc.tuple(edge, edge),
  })
  .map(({ rows, edges }) => ({
    rows: rows.map((some) => [...ANCHORS, ...some]),
    looks: [
      ...new Set(
        edges.map(({ view, row, edge, beside }) => {
          const { ttl = 3, keepStale } = VIEWS[view]!;
          const some = rows[view]!;
          const { event, created } = some[row % Math.max(some.length, 1)] ?? { event: 4, created: 4 };
          const at = { event, created: created ?? event, ttl: event + ttl, keep: event + ttl + keepStale }[edge];
          return at + beside;
        }),
      ),
    ],
  }));

/** Every entity that a row may be about, and one that none is. */
export const ENTITIES = [...IDS, 7n].flatMap((id) =>
  [...WORDS, "none"].map((word, i) => ({ id, word, other_id: [...IDS, 7n][i % 4] as bigint })),
);

/** What is known of an entity at a time, by the rules in plain loops. */
export interface Known {
  readonly status: "row" | "NOT_FOUND" | "OUTSIDE_MAX_AGE";
  readonly row: PastRow | undefined;
}

/** The winner of a view's rows for one entity at a time; `bitemporal` leaves out what had not arrived. */
export function knownAt(
  rules: ViewRules,
  rows: readonly PastRow[],
  entity: { readonly id: bigint; readonly word: string },
  question: { readonly at: number; readonly bitemporal: boolean; readonly tenant: string },
): Known {
  const { at, bitemporal, tenant } = question;
  let winner: PastRow | undefined;
  for (const row of rows) {
    if (rules.keys.some((key) => row[key] !== entity[key]) || row.event > at) continue;
    if ((rules.tenants ? row.tenant : "default") !== tenant) continue;
    if (bitemporal && !hadArrived(rules, row, at)) continue;
    if (winner === undefined || compareRows(rules, row, winner) > 0) winner = row;
  }
  const ended = (after: number) =>
    winner !== undefined && rules.ttl !== undefined && at > winner.event + rules.ttl + after;
  if (winner === undefined || (rules.tombstones && winner.gone === true) || ended(rules.keepStale)) {
    return { status: "NOT_FOUND", row: undefined };
  }
  return ended(0) ? { status: "OUTSIDE_MAX_AGE", row: winner } : { status: "row", row: winner };
}

/** Whether the files had the row by a time. */
export function hadArrived(rules: ViewRules, { created }: PastRow, at: number): boolean {
  return !rules.arrival || (created !== null && created <= at);
}

function compareRows({ created, tombstones }: ViewRules, a: PastRow, b: PastRow): number {
  return (
    a.event - b.event ||
    (created ? compare(a.created, b.created) : 0) ||
    (tombstones ? Number(a.gone === true) - Number(b.gone === true) : 0) ||
    compare(a.i, b.i) ||
    compare(bytes(a.s), bytes(b.s)) ||
    compare(rank(a.f), rank(b.f))
  );
}

/** null is least. */
function compare<T extends number | bigint | string>(a: T | null, b: T | null): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  return a < b ? -1 : Number(a > b);
}

function bytes(text: string | null): string | null {
  return text === null ? null : Buffer.from(text).toString("hex");
}

/** Floats in their total order: NaN is greatest. */
function rank(value: number | null): number | null {
  const order = [Number.NEGATIVE_INFINITY, -1.5, 0, 1.5, Number.NaN];
  return value === null ? null : order.findIndex((other) => Object.is(other, value));
}

/** Writes each view's rows that `keep` takes, over two files. */
export async function writePast(
  connection: DuckDBConnection,
  folder: string,
  rows: readonly (readonly PastRow[])[],
  keep: (rules: ViewRules, row: PastRow) => boolean,
): Promise<void> {
  for (const [i, rules] of VIEWS.entries()) {
    await mkdir(join(folder, rules.name), { recursive: true });
    const kept = (rows[i] ?? []).filter((row) => keep(rules, row));
    for (const part of [0, 1]) {
      const values = kept.filter((_, index) => index % 2 === part).map(tuple);
      const none =
        "(NULL::BIGINT, NULL::VARCHAR, NULL::VARCHAR, NULL::BIGINT, NULL::BIGINT, NULL::BOOLEAN, NULL::BIGINT, NULL::VARCHAR, NULL::DOUBLE)";
      await connection.run(`COPY (SELECT id, word, tenant, make_timestamp(event) AS event_timestamp, make_timestamp(created) AS created, gone, i, s, f
        FROM (VALUES ${[none, ...values].join(", ")}) t(id, word, tenant, event, created, gone, i, s, f) WHERE id IS NOT NULL)
        TO '${join(folder, rules.name, `${part}.parquet`)}' (FORMAT parquet)`);
    }
  }
}

function tuple({ id, word, tenant, event, created, gone, i, s, f }: PastRow): string {
  const text = (value: string | null) => (value === null ? "NULL" : `'${value}'`);
  const time = created === null ? "NULL" : T0 + created;
  return `('${id}'::BIGINT, ${text(word)}, ${text(tenant)}, ${T0 + event}::BIGINT, ${time}::BIGINT, ${gone}::BOOLEAN, ${text(i === null ? null : String(i))}::BIGINT, ${text(s)}::VARCHAR, ${text(f === null ? null : String(f))}::DOUBLE)`;
}
