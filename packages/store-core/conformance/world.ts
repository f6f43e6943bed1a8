import {
  type Definitions,
  type FeatureRow,
  type FeatureValue,
  findFeature,
  findView,
  type KeyValue,
} from "@larder/schema";
import type { Call } from "../src/call.ts";
import { encodeEntityKey } from "../src/keys/entity-key.ts";
import type { OnlineStore, ReadOptions, ResetScope, ScannedFeatureRow, WriteResult } from "../src/online-store.ts";
import { createReadPlan } from "../src/plan/create-read-plan.ts";
import { type FeatureBatch, STATUS_NAMES, type StatusName } from "../src/plan/feature-batch.ts";
import type { EntityKeys, ReadPlan } from "../src/plan/read-plan.ts";
import type { RowStore } from "../src/row-store.ts";
import { DEFINITIONS } from "./definitions.ts";
import { type Backing, type ConformanceHarness, type MovableClock, movableClock } from "./harness.ts";

/** An entity row: join key -> value. */
export type EntityRow = Readonly<Record<string, KeyValue>>;

/** One value of a read, with its status. */
export type Cell = readonly [StatusName, FeatureValue];

/** A row's values by feature; undefined makes a tombstone. */
export type Values = Readonly<Record<string, FeatureValue>> | undefined;

export const MISSING: Cell = ["NOT_FOUND", null];
export const NULL: Cell = ["NULL_VALUE", null];
export const TOO_OLD: Cell = ["OUTSIDE_MAX_AGE", null];
export const INVALID: Cell = ["INVALID", null];

/** The cell of a value that is there. */
export function present(value: FeatureValue): Cell {
  return ["PRESENT", value];
}

/** What one test works in: a fresh backing and a clock of its own. */
export class World {
  readonly clock: MovableClock = movableClock();
  readonly backing: Backing;

  constructor(backing: Backing) {
    this.backing = backing;
  }

  /** Opens a store over the backing, as one more process would. */
  async open(definitions: Definitions = DEFINITIONS): Promise<Session> {
    return new Session(await this.backing.open(definitions, this.clock), definitions);
  }

  /** Opens the port below the typed store. */
  async openRows(views: readonly string[]): Promise<RowStore> {
    const rows = await this.backing.openRows?.(views);
    if (rows === undefined) throw new Error("The harness says hasRowStore and opens none");
    return rows;
  }
}

/** Runs one test in a world of its own. */
export async function inWorld(harness: ConformanceHarness, run: (world: World) => Promise<void>): Promise<void> {
  const backing = await harness.create();
  try {
    await run(new World(backing));
  } finally {
    await backing.remove();
  }
}

/** A store with the definitions it was opened with, in the words of the tests. */
export class Session {
  readonly store: OnlineStore;
  readonly definitions: Definitions;
  readonly #plans = new Map<string, ReadPlan>();

  constructor(store: OnlineStore, definitions: Definitions) {
    this.store = store;
    this.definitions = definitions;
  }

  /** A row of a view. `key` is in the order of the view's join keys; features that `values` lacks are absent. */
  row(view: string, key: readonly KeyValue[], eventTime: number, values: Values, createdTime?: number): FeatureRow {
    const { features } = findView(this.definitions, view);
    return {
      entityKey: key,
      eventTime,
      createdTime,
      values: values === undefined ? undefined : features.map(({ name }) => values[name]),
    };
  }

  write(view: string, rows: readonly FeatureRow[], call: Partial<Call> = {}): Promise<WriteResult> {
    return this.store.write(findView(this.definitions, view), rows, { tenant: "default", ...call });
  }

  /** Writes rows in one call and answers their outcomes. */
  async outcomes(view: string, rows: readonly FeatureRow[], call: Partial<Call> = {}): Promise<readonly string[]> {
    return (await this.write(view, rows, call)).outcomes;
  }

  /** The plan of some features, made once. */
  plan(...references: readonly string[]): ReadPlan {
    const id = JSON.stringify(references);
    const refs = () => references.map((reference) => findFeature(this.definitions, reference));
    const plan = this.#plans.get(id) ?? createReadPlan(this.definitions, refs(), { fullFeatureNames: true });
    this.#plans.set(id, plan);
    return plan;
  }

  read(
    plan: ReadPlan,
    entities: readonly EntityRow[],
    options?: ReadOptions,
    call: Partial<Call> = {},
  ): Promise<FeatureBatch> {
    return this.store.read(plan, keysOf(plan, entities), { tenant: "default", ...call }, options);
  }

  /** Reads features (`view:feature`) of entities: one list of cells per entity, in the order of the references. */
  async cells(
    references: readonly string[],
    entities: readonly EntityRow[],
    options?: ReadOptions & { readonly tenant?: string },
  ): Promise<readonly (readonly Cell[])[]> {
    const plan = this.plan(...references);
    const batch = await this.read(plan, entities, options, { tenant: options?.tenant ?? "default" });
    return entities.map((_, row) =>
      plan.columns.map((_, column): Cell => [STATUS_NAMES[batch.status(row, column)], batch.value(row, column)]),
    );
  }

  /** One feature of one customer. */
  async cell(reference: string, customer: bigint, options?: ReadOptions & { readonly tenant?: string }): Promise<Cell> {
    const [row] = await this.cells([reference], [{ customer_id: customer }], options);
    return row?.[0] as Cell;
  }

  /** Every row of a scope, sorted by view and key. */
  async scan(scope: ResetScope): Promise<ScannedFeatureRow[]> {
    const found: ScannedFeatureRow[] = [];
    for await (const row of this.store.scan(scope, { tenant: scope.tenant })) found.push(row);
    return found.sort((a, b) => compareText(`${a.view}\n${a.entityKey}`, `${b.view}\n${b.entityKey}`));
  }

  reset(scope: ResetScope): Promise<number> {
    return this.store.reset(scope, { tenant: scope.tenant });
  }

  entityKey(view: string, key: readonly KeyValue[]): string {
    return encodeEntityKey(findView(this.definitions, view), key);
  }
}

/** Encodes entity rows for a plan whose join keys have their own names. */
function keysOf(plan: ReadPlan, entities: readonly EntityRow[]): EntityKeys {
  const groups = plan.groups.map(({ views: [view] }) => {
    if (view === undefined) throw new Error("A plan's group has a view");
    return entities.map((entity) =>
      encodeEntityKey(
        view,
        view.joinKeys.map(({ name }) => {
          const value = entity[name];
          if (value === undefined) throw new Error(`The entity row lacks ${name}`);
          return value;
        }),
      ),
    );
  });
  return { rowCount: entities.length, groups };
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
