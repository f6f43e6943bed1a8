import { materialize } from "@larder/materializer";
import { type Definitions, findView, formatTime, isLarderError, loadDefinitions, systemClock } from "@larder/schema";
import { eraseEntity, type OnlineStore, openOnlineStore } from "@larder/store-core";
import { type LogicalClock, logicalClock, until } from "@larder/testkit";
import { pushRows } from "../../src/push-rows.ts";
import { type WhyReport, why } from "../../src/why/why.ts";
import { createProject, type Project } from "../project.ts";

const SECOND = 1_000_000;
export const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** `score` and `code` are what definitions change; see {@link whyRules}. */
const YAML = `project: whys
online_store: STORE
offline_store: { type: duckdb, path: data }
entities:
  - { name: customer, join_keys: [{ name: customer_id, type: int64 }] }
  - { name: outlet, join_keys: [{ name: country, type: string }, { name: number, type: int32 }] }
feature_views:
  - name: plans
    entity: customer
    online_ttl: 1h
    keep_stale: 1h
    max_future: 10m
    features: [{ name: price, type: int64 }, { name: plan, type: string }]
    source: { path: "plans/{tenant}", timestamp_field: ts, created_timestamp_column: created, created_means: arrival, tombstone_column: gone }
  - name: notes
    entity: outlet
    partial_rows: absent
    features: [{ name: mood, type: string }, { name: size, type: int32 }]
  - name: sales
    entity: outlet
    features: [{ name: total, type: float64 }]
    source: { path: sales.parquet, timestamp_field: ts, tenant_column: whose, field_mapping: { nr: number, sum: total } }
  - name: marks
    entity: customer
    features: [{ name: score, type: int64 }]
    source: { path: marks, timestamp_field: ts }
tenants: { default: {}, acme: { ttl: { plans: 30m } }, full: { max_bytes: 1kB } }
`;

/** A project whose states come about by writing, materializing and letting time pass. */
export interface WhyWorld extends AsyncDisposable {
  readonly project: Project;
  readonly clock: LogicalClock;
  /** When the world began, in microseconds. It is about the machine's time: some servers expire rows by their own clock. */
  readonly start: number;
  /** Opens the store again with other definitions, as a newer process would. */
  reopen(change: (yaml: string) => string): Promise<void>;
  readonly store: OnlineStore;
  readonly definitions: Definitions;
  /** Rows of plans: customer, event time in minutes from the start, price, more columns. */
  plans(file: string, rows: readonly PlanRow[]): Promise<void>;
  push(view: string, tenant: string, row: Readonly<Record<string, unknown>>): Promise<void>;
  materialize(view: string, tenant: string, end?: number): Promise<void>;
  /** Erases a customer up to now. */
  erase(customer: number): Promise<void>;
  /** Brings tenant `full` over its quota, by rows of customers 1 to 20 of plans, and leaves the clock a minute before the start, when that was measured. */
  fill(): Promise<void>;
  why(reference: string, entity: Readonly<Record<string, unknown>>, tenant?: string): Promise<WhyReport>;
  /** ISO text of a time in minutes from the start. */
  at(minutes: number): string;
}

/** One row of the source of plans. Times in minutes from the start; `created` is SQL where it is text. */
export interface PlanRow {
  readonly id: number;
  readonly at: number;
  readonly price: number | null;
  readonly created?: number | string;
  readonly gone?: boolean;
}

/** Makes the project and opens its store; `store` is the yaml of `online_store`. */
export async function whyWorld(store: string, change: (yaml: string) => string = (yaml) => yaml): Promise<WhyWorld> {
  const first = change(YAML).replace("STORE", store);
  const project = await createProject(first);
  const start = Math.floor(systemClock.now() / SECOND) * SECOND;
  const clock = logicalClock(start);
  const open = async () => {
    const definitions = await loadDefinitions(project.path("feature_store.yaml"), { env: {} });
    return { definitions, store: await openOnlineStore(definitions, { clock }) };
  };
  let opened = await open();
  const at = (minutes: number) => formatTime(start + minutes * MINUTE);
  return {
    project,
    clock,
    start,
    at,
    get store() {
      return opened.store;
    },
    get definitions() {
      return opened.definitions;
    },
    async reopen(changed) {
      await opened.store.close();
      await project.write("feature_store.yaml", changed(first));
      opened = await open();
    },
    async plans(file, rows) {
      const values = rows.map(({ id, at: minutes, price, created, gone = false }) => {
        const made = typeof created === "string" ? created : `TIMESTAMP '${at(created ?? minutes).slice(0, -1)}'`;
        return `(${id}::BIGINT, TIMESTAMP '${at(minutes).slice(0, -1)}', ${made}, ${price ?? "NULL"}::BIGINT, 'p', ${gone})`;
      });
      await project.parquet(
        `data/plans/${file}`,
        `SELECT * FROM (VALUES ${values.join(",\n")}) t(customer_id, ts, created, price, plan, gone)`,
      );
    },
    async push(view, tenant, row) {
      const { outcomes } = await pushRows(opened.store, findView(opened.definitions, view), [row], { tenant });
      if (outcomes[0] !== "applied") throw new Error(`The row was ${outcomes[0]}.`);
    },
    async materialize(view, tenant, end = clock.now()) {
      await materialize({ ...opened, clock }, { views: [view], tenant, start: start - 24 * HOUR, end });
    },
    async erase(customer_id) {
      // Nobody else writes: there is nobody to wait for.
      const parts = { ...opened, clock, settings: { leaseMs: 0, writeMs: 0 } };
      await eraseEntity(parts, { tenant: "default", entity: { customer_id }, confirmed: true });
    },
    async fill() {
      const push = (ids: readonly number[]) => {
        const rows = ids.map((customer_id) => ({
          customer_id,
          ts: at(-5),
          created: at(-5),
          price: 1,
          plan: "x".repeat(100),
        }));
        return pushRows(opened.store, findView(opened.definitions, "plans"), rows, { tenant: "full" });
      };
      clock.set(start - 2 * MINUTE);
      await push(Array.from({ length: 20 }, (_, i) => i + 1));
      // What this process wrote itself asks for a figure, which is taken in the background.
      clock.set(start - MINUTE);
      await until(60_000, "a refusal", async () => {
        const refused = await push([1]).catch((error: unknown) => error);
        return isLarderError(refused, "QUOTA_EXCEEDED");
      });
    },
    why: (reference, entity, tenant = "default") => why({ ...opened, clock }, { reference, entity, tenant }),
    async [Symbol.asyncDispose]() {
      await opened.store.close();
      await project[Symbol.asyncDispose]();
    },
  };
}
