import type { Definitions, FeatureRef, FeatureView, ServedLogDescription, ServedLogFeature } from "@larder/schema";
import { findTenant } from "@larder/schema";
import { ObjectStore } from "../object-store/object-store.ts";
import { checkValues } from "../offline/check-values.ts";
import { openDuckDb } from "../offline/duckdb-session.ts";
import type { EngineRow, OfflineEngine } from "../offline/offline-engine.ts";
import { requireDuckDb } from "../offline/require-duckdb.ts";
import { openSourceTable } from "../offline/source-table.ts";
import { quoteName, quoteText, readParquet } from "../offline/sql-text.ts";
import { StatementRunner } from "../offline/statement-runner.ts";
import {
  fetchSql,
  locateSql,
  settleSql,
  tiedSql,
  type ViewPlan,
  wantedSql,
  winnersSql,
} from "../point-in-time/build-sql.ts";
import { type AsOf, compileJoinSpec, type JoinProjection } from "../point-in-time/join-spec.ts";
import { type JudgedView, judgeSql, logRowsSql, summarySql, VERDICTS, type Verdict } from "./consistency-sql.ts";
import { describeLogFiles, type LogFiles, listLogFiles, logCall } from "./log-files.ts";

/** A log to compare with the offline store. */
export interface ConsistencyRequest {
  readonly definitions: Definitions;
  /** Folder of the log; absolute. */
  readonly folder: string;
  /** Only this tenant; default: all that the log has. */
  readonly tenant?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: { readonly fraction: number; readonly what: string }) => void) | undefined;
}

/** A logged value that the offline store does not confirm. */
export interface CellDifference {
  readonly verdict: Verdict;
  readonly request_id: string;
  readonly row: number;
  readonly served_at: string;
  readonly entity: Readonly<Record<string, string | null>>;
  readonly logged: string | null;
  readonly logged_status: string;
  readonly offline: string | null;
  readonly offline_status: string;
}

/** How the logged values of one feature of one model compare, for a tenant. */
export interface FeatureConsistency {
  readonly tenant: string;
  readonly model: string;
  readonly feature: string;
  readonly rows: number;
  readonly verdicts: Readonly<Record<Verdict, number>>;
  /** Of the mismatches where both are numbers; null where there are none. */
  readonly max_abs_error: number | null;
  readonly max_rel_error: number | null;
  readonly examples: readonly CellDifference[];
}

/** What comparing a log found. */
export interface ConsistencyReport {
  readonly folder: string;
  readonly files: number;
  readonly rows: number;
  readonly features: readonly FeatureConsistency[];
  /** What could not be compared, as sentences. */
  readonly notices: readonly string[];
  /** Whether nothing is unexplained: no mismatch, nothing missing, nothing extra. */
  readonly consistent: boolean;
}

const UNEXPLAINED = ["mismatch", "missing", "extra"] as const satisfies readonly Verdict[];

/**
 * Recomputes what a log of served vectors has from the sources of its views, as of the time of each answer, and compares: values and statuses, by the
 * online TTL. What is overridden or degraded is counted and not compared.
 * @throws SOURCE_NOT_FOUND, SOURCE_MISMATCH, SOURCE_UNREADABLE, UNKNOWN_TENANT, MISSING_DEPENDENCY, OFFLINE_FAILED, ABORTED
 */
export async function checkConsistency(request: ConsistencyRequest): Promise<ConsistencyReport> {
  const { definitions, folder, signal } = request;
  if (request.tenant !== undefined) findTenant(definitions, request.tenant);
  requireDuckDb(definitions, "Comparing a log with its sources");
  const files = await listLogFiles(folder);
  await using engine = await openDuckDb();
  await using objects = new ObjectStore(request.definitions.offlineStore.s3);
  const run: Run = { request, engine, objects, features: [], notices: new Set(), rows: 0 };
  const groups = await describeLogFiles(engine, files, signal);
  for (const [i, group] of groups.entries()) {
    request.onProgress?.({ fraction: i / groups.length, what: group.description.model });
    if (group.description.project !== definitions.project) {
      run.notices.add(`${group.files.length} files are of project "${group.description.project}" and are left out.`);
      continue;
    }
    for (const tenant of await tenantsOf(run, group)) await compareTenant(run, group, tenant);
  }
  const features = merged(run.features);
  const sum = (verdict: Verdict) => features.reduce((total, { verdicts }) => total + verdicts[verdict], 0);
  return {
    folder,
    files: files.length,
    rows: run.rows,
    features,
    notices: [...run.notices],
    consistent: UNEXPLAINED.every((verdict) => sum(verdict) === 0),
  };
}

interface Run {
  readonly request: ConsistencyRequest;
  readonly engine: OfflineEngine;
  readonly objects: ObjectStore;
  readonly features: FeatureConsistency[];
  readonly notices: Set<string>;
  rows: number;
}

type StoredFeature = Extract<ServedLogFeature, { kind: "stored" }>;

async function tenantsOf({ engine, request, notices }: Run, { files }: LogFiles): Promise<string[]> {
  const rows = await engine.rows(
    `SELECT DISTINCT tenant FROM ${readParquet(files)} ORDER BY tenant`,
    logCall(files, request.signal),
  );
  const found = rows.map(({ tenant }) => String(tenant));
  if (request.tenant !== undefined) return found.filter((tenant) => tenant === request.tenant);
  const unknown = found.filter((tenant) => !request.definitions.tenants.has(tenant));
  for (const tenant of unknown) notices.add(`Tenant "${tenant}" is not declared any more: its rows are left out.`);
  return found.filter((tenant) => !unknown.includes(tenant));
}

async function compareTenant(run: Run, { description, files }: LogFiles, tenant: string): Promise<void> {
  const { engine, request, notices } = run;
  const { definitions, signal } = request;
  await engine.run(logRowsSql(description, readParquet(files), tenant), logCall(files, signal));
  const [facts] = await engine.rows(
    "SELECT count(*) AS n, max(moment) AS last FROM entity_rows",
    logCall(files, signal),
  );
  run.rows += Number(facts?.["n"]);
  const last = facts?.["last"] as bigint;
  for (const { view: name, features } of uses(description)) {
    const view = definitions.views.get(name);
    if (view?.source === undefined) {
      notices.add(
        `Feature view "${name}" ${view === undefined ? "is not declared any more" : "has no source"}: not compared.`,
      );
      continue;
    }
    const known = features.filter((logged) => {
      const now = view.features.find((feature) => feature.name === logged.feature);
      if (now?.type === logged.type) return true;
      notices.add(
        `${logged.name} is ${now === undefined ? "not declared any more" : "of another type by now"}: not compared.`,
      );
      return false;
    });
    if (known.length > 0) await compareView(run, { description, tenant, view, features: known, last });
  }
}

/** The stored features by view and join keys: each such use is joined once. */
function uses({ features }: ServedLogDescription) {
  const byUse = new Map<string, { view: string; features: StoredFeature[] }>();
  for (const feature of features) {
    if (feature.kind !== "stored") continue;
    const id = JSON.stringify([feature.view, Object.entries(feature.join_keys).sort()]);
    const use = byUse.get(id);
    if (use === undefined) byUse.set(id, { view: feature.view, features: [feature] });
    else use.features.push(feature);
  }
  return byUse.values();
}

interface ViewWork {
  readonly description: ServedLogDescription;
  readonly tenant: string;
  readonly view: FeatureView;
  readonly features: readonly StoredFeature[];
  readonly last: bigint;
}

async function compareView(run: Run, work: ViewWork): Promise<void> {
  const { engine, request, notices } = run;
  const { definitions, signal } = request;
  const { description, tenant, view, features, last } = work;
  const refs = features.map((logged): FeatureRef => {
    const feature = view.features.find(({ name }) => name === logged.feature) as FeatureRef["feature"];
    return { view, feature, viewName: view.name, joinKeyMap: new Map(Object.entries(logged.join_keys)) };
  });
  const [found] = compileJoinSpec({ features: refs, asOf: "bitemporal" }).projections;
  const projection: JoinProjection = { ...(found as JoinProjection), ttl: undefined };
  const table = await openSourceTable(engine, { definitions, view, tenant, objects: run.objects, signal });
  const range = { to: last };
  await checkValues(engine, table, view.features, range, signal);
  const runner = new StatementRunner(engine, table.subject, { signal });
  const keyColumn = (name: string) => quoteName(`e.${name}`);
  const entityKeys = projection.keys.map(({ entityColumn }) => keyColumn(entityColumn));
  const winners = async (target: string, rule: AsOf, entityTime: string): Promise<void> => {
    const plan: ViewPlan = {
      projection: { ...projection, rule },
      index: 0,
      table,
      range,
      cutKeys: true,
      entityKeys,
      entityTime,
    };
    await runner.run(wantedSql(plan));
    await runner.run(locateSql(plan, rule, "located", "wanted"));
    await runner.run(fetchSql(plan));
    await runner.run(tiedSql(plan));
    if ((await runner.count("tied")) > 0) for (const statement of settleSql(plan)) await runner.run(statement);
    await runner.run(winnersSql(plan, target));
  };
  const positions = features.map((feature) => description.features.indexOf(feature));
  // An overridden value has no age, another one of the same row has.
  const age = `coalesce(${positions.map((at) => `a${at}`).join(", ")})`;
  const arrival = projection.rule === "bitemporal";
  await winners("by_event", "event_time", "moment");
  await winners("known", projection.rule, "moment");
  await winners("as_logged", "event_time", `(moment - ${age})`);
  if (!arrival) {
    notices.add(
      `Feature view "${view.name}": late rows cannot be told from others, since ${projection.ruleReason ?? "it has no created time"}.`,
    );
  }
  for (const [i, logged] of features.entries()) {
    const { feature } = refs[i] as FeatureRef;
    const judged: JudgedView = { arrival, age, ttl: definitions.onlineTtl(view, tenant) };
    await runner.run(judgeSql(judged, feature, positions[i] as number));
    run.features.push(await summarize(runner, work, logged));
  }
}

/** At most so many differing rows are shown of a feature. */
const EXAMPLES = 3;

async function summarize(runner: StatementRunner, { description, tenant }: ViewWork, feature: StoredFeature) {
  const facts = await runner.row(summarySql(feature.type));
  const keys = description.join_keys.map(
    ({ name }) => `CAST(${quoteName(`e.${name}`)} AS VARCHAR) AS ${quoteName(`e.${name}`)}`,
  );
  const rows = await runner.rows(
    `SELECT verdict, request_id, "row", strftime(make_timestamp(moment), '%Y-%m-%dT%H:%M:%S.%fZ') AS served_at, ${[...keys, ""].join(", ")}
    CAST(logged AS VARCHAR) AS logged, logged_status, CAST(offline AS VARCHAR) AS offline, offline_status
    FROM judged WHERE verdict IN (${[...UNEXPLAINED, "behind"].map(quoteText).join(", ")})
    ORDER BY list_position([${UNEXPLAINED.map(quoteText).join(", ")}], verdict) NULLS LAST, row_no LIMIT ${EXAMPLES}`,
  );
  const number = (name: string): number | null => (facts[name] === null ? null : Number(facts[name]));
  return {
    tenant,
    model: description.model,
    feature: feature.name,
    rows: Number(facts["n"]),
    verdicts: verdictsOf((verdict) => Number(facts[verdict])),
    max_abs_error: number("max_abs"),
    max_rel_error: number("max_rel"),
    examples: rows.map((row) => exampleOf(row, description)),
  } satisfies FeatureConsistency;
}

function exampleOf(row: EngineRow, { join_keys }: ServedLogDescription): CellDifference {
  const text = (name: string): string | null => (row[name] === null ? null : String(row[name]));
  return {
    verdict: row["verdict"] as Verdict,
    request_id: String(row["request_id"]),
    row: Number(row["row"]),
    served_at: String(row["served_at"]),
    entity: Object.fromEntries(join_keys.map(({ name }) => [name, text(`e.${name}`)])),
    logged: text("logged"),
    logged_status: String(row["logged_status"]),
    offline: text("offline"),
    offline_status: String(row["offline_status"]),
  };
}

/** Files of several shapes may have the same feature. */
function merged(parts: readonly FeatureConsistency[]): FeatureConsistency[] {
  const byFeature = new Map<string, FeatureConsistency>();
  const greater = (a: number | null, b: number | null) => (a === null ? b : b === null ? a : Math.max(a, b));
  for (const part of parts) {
    const id = JSON.stringify([part.tenant, part.model, part.feature]);
    const other = byFeature.get(id);
    byFeature.set(
      id,
      other === undefined
        ? part
        : {
            ...part,
            rows: other.rows + part.rows,
            verdicts: verdictsOf((verdict) => other.verdicts[verdict] + part.verdicts[verdict]),
            max_abs_error: greater(other.max_abs_error, part.max_abs_error),
            max_rel_error: greater(other.max_rel_error, part.max_rel_error),
            examples: [...other.examples, ...part.examples].slice(0, EXAMPLES),
          },
    );
  }
  return [...byFeature.values()];
}

function verdictsOf(count: (verdict: Verdict) => number): Record<Verdict, number> {
  return Object.fromEntries(VERDICTS.map((verdict) => [verdict, count(verdict)])) as Record<Verdict, number>;
}
