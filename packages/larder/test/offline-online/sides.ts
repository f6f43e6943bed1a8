import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import type { OnlineFeatures } from "@larder/contract/typed";
import { type LatestRowsSource, materialize } from "@larder/materializer";
import { type Definitions, formatTime, parseDefinitions } from "@larder/schema";
import { encodeEntityRows, openOnlineStore } from "@larder/store-core";
import { logicalClock, propertySettings, temporaryFolder } from "@larder/testkit";
import {
  buildTrainingSet,
  fingerprintSource,
  type OfflineEngine,
  openDuckDb,
  readLatestRows,
} from "@larder/training-features";
import fc from "fast-check";
import { expect } from "vitest";
import { readFeaturesAsOf } from "../../src/features-as-of.ts";
import { createOnlineFeatures } from "../../src/online-features.ts";
import { type FeatureSelection, ReadPlans, selectFeatures } from "../../src/read-plans.ts";
import {
  ENTITIES,
  FEATURES,
  hadArrived,
  knownAt,
  offlineYaml,
  type PastRow,
  past,
  T0,
  VIEWS,
  type ViewRules,
  writePast,
} from "./history.ts";

/** An online store to hold against the offline one. */
export interface Side {
  /** Value of `online_store`, for files of one history in a folder. */
  readonly onlineStore: (folder: string) => string;
  /** yaml of `tenants`, where the store takes no others. */
  readonly tenants?: string;
}

/** What the two sides share while a test file runs. */
export interface Engines extends AsyncDisposable {
  readonly engine: OfflineEngine;
  readonly connection: DuckDBConnection;
}

/** Opens them. */
export async function openEngines(): Promise<Engines> {
  const engine = await openDuckDb({ threads: 1, memoryLimitBytes: 512 * 1024 * 1024 });
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  return {
    engine,
    connection,
    [Symbol.asyncDispose]: async () => {
      connection.closeSync();
      instance.closeSync();
      await engine.close();
    },
  };
}

/**
 * For random histories and times: what is materialized at a time and read with the clock at it, what the join finds for entity rows of that time, and
 * what is read as of it, are what the rules say in plain loops; by event time too, where everything is in the files from the beginning.
 */
export async function expectEqualSides(engines: Engines, side: Side, usualRuns: number): Promise<void> {
  const questions = QUESTIONS.filter(({ tenant }) => side.tenants === undefined || tenant === "default");
  const property = fc.asyncProperty(past, fc.boolean(), async ({ rows, looks }, bitemporal) => {
    await using folder = await temporaryFolder();
    const now = join(folder.path, "now");
    await writePast(engines.connection, now, rows, () => true);
    for (const look of looks) {
      const then = bitemporal ? join(folder.path, `then${look}`) : now;
      if (bitemporal) await writePast(engines.connection, then, rows, (rules, row) => hadArrived(rules, row, look));
      const definitions = (data: string) => {
        const text = offlineYaml(side.onlineStore(join(folder.path, String(look))), data, side.tenants);
        return parseDefinitions(text, { file: join(folder.path, "feature_store.yaml"), env: {} });
      };
      const at: Look = { ...engines, look, bitemporal };
      const online = await readOnline(definitions(then), at, questions);
      for (const [i, question] of questions.entries()) {
        const expected = expectedCells(rows, at, question);
        expect(online[i]).toEqual(expected);
        const values = expected.map((row) => row.map(({ value }) => value));
        expect(await joinedValues(definitions(now), at, question, join(folder.path, "train.parquet"))).toEqual(values);
        if (bitemporal) expect(await readAsOf(definitions(now), at, question)).toEqual(expected);
      }
    }
  });
  await fc.assert(property, { ...propertySettings(usualRuns), endOnFailure: true });
}

/** A moment, and whether rows count from their arrival on. */
interface Look extends Engines {
  readonly look: number;
  readonly bitemporal: boolean;
}

/** Features of one view under one name, and the entity rows' column with its key `id`. */
interface Use {
  readonly name: string;
  readonly rules: ViewRules;
  readonly features: readonly (typeof FEATURES)[number][];
  readonly id: "id" | "other_id";
}

interface Question {
  readonly tenant: string;
  readonly selection: FeatureSelection;
  readonly uses: readonly Use[];
}

/** All features of both tenants, and the feature service with an alias. Only a view with a tenant column has rows of others than `default`. */
const QUESTIONS: readonly Question[] = [
  allOf("default"),
  {
    tenant: "default",
    selection: { featureService: "twice", fullFeatureNames: true },
    uses: [
      { name: "arrivals", rules: VIEWS[0]!, features: ["i", "f"], id: "id" },
      { name: "others", rules: VIEWS[0]!, features: ["s"], id: "other_id" },
    ],
  },
  allOf("acme"),
];

function allOf(tenant: string): Question {
  const views = VIEWS.filter(({ tenants }) => tenants || tenant === "default");
  const features = views.flatMap(({ name }) => FEATURES.map((feature) => `${name}:${feature}`));
  const uses = views.map((rules) => ({ name: rules.name, rules, features: FEATURES, id: "id" as const }));
  return { tenant, selection: { features, fullFeatureNames: true }, uses };
}

interface Cell {
  readonly value: unknown;
  readonly status: string;
  readonly time: string | null;
}

/** Entity by entity, the features in the order of the question. */
type Cells = readonly (readonly Cell[])[];

function expectedCells(
  rows: readonly (readonly PastRow[])[],
  { look: at, bitemporal }: Look,
  { uses, tenant }: Question,
): Cells {
  return ENTITIES.map((entity) =>
    uses.flatMap(({ rules, features, id }) => {
      const wanted = { word: entity.word, id: entity[id] };
      const { status, row } = knownAt(rules, rows[VIEWS.indexOf(rules)] ?? [], wanted, { at, bitemporal, tenant });
      const time = row === undefined ? null : formatTime(T0 + row.event);
      return features.map((feature): Cell => {
        const value = status === "row" ? (row?.[feature] ?? null) : null;
        return { value, status: status !== "row" ? status : value === null ? "NULL_VALUE" : "PRESENT", time };
      });
    }),
  );
}

function cellsOf(answer: OnlineFeatures<Record<string, unknown>, object>): Cells {
  return answer.toRows().map((values, row) =>
    Object.entries(answer.statuses).map(([name, statuses]) => ({
      value: values[name],
      status: String(statuses[row]),
      time: answer.eventTimestamps[name]?.[row] ?? null,
    })),
  );
}

/** Materializes at a time what every tenant has, and answers the questions. */
async function readOnline(
  definitions: Definitions,
  { engine, look }: Look,
  questions: readonly Question[],
): Promise<Cells[]> {
  const clock = logicalClock(T0 + look);
  const source: LatestRowsSource = {
    readLatestRows: (request) => readLatestRows({ ...request, engine }),
    fingerprintSource,
  };
  await using store = await openOnlineStore(definitions, { clock });
  const cells: Cells[] = [];
  let loaded: string | undefined;
  for (const { tenant, selection, uses } of questions) {
    const call = { tenant, deadline: performance.now() + 60_000 };
    if (tenant !== loaded) {
      const views = uses.map(({ rules }) => rules.name);
      await store.reset({ tenant }, call);
      await materialize({ definitions, store, clock, source }, { start: T0 - 1000, end: clock.now(), tenant, views });
      loaded = tenant;
    }
    const plan = new ReadPlans(definitions).get(selection);
    const batch = await store.read(plan, encodeEntityRows(plan, ENTITIES), call);
    cells.push(cellsOf(createOnlineFeatures(batch, ENTITIES, "bigint")));
  }
  return cells;
}

async function joinedValues(
  definitions: Definitions,
  { engine, look, bitemporal }: Look,
  { tenant, selection, uses }: Question,
  out: string,
): Promise<unknown[][]> {
  const event_timestamp = formatTime(T0 + look);
  await buildTrainingSet({
    definitions,
    features: selectFeatures(definitions, selection),
    fullFeatureNames: true,
    entities: { rows: ENTITIES.map((entity) => ({ ...entity, event_timestamp })) },
    out,
    asOf: bitemporal ? "bitemporal" : "event_time",
    tenant,
    engine,
  });
  const names = uses.flatMap(({ name, features }) => features.map((feature) => `${name}__${feature}`));
  const rows = await engine.rows(`SELECT ${names.join(", ")} FROM read_parquet('${out}')`, {
    subject: { kind: "plan" },
  });
  return rows.map((row) => names.map((name) => row[name]));
}

async function readAsOf(definitions: Definitions, { look }: Look, { tenant, selection }: Question): Promise<Cells> {
  const parts = { definitions, tenant, int64: "bigint", clock: logicalClock(T0 + 1000) } as const;
  const at = BigInt(T0 + look);
  return cellsOf(await readFeaturesAsOf(parts, { ...selection, entityRows: ENTITIES, at }));
}
