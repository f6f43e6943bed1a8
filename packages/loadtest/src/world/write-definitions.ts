import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { EVENTS_GROUP, EVENTS_TOPIC } from "./event-stream.ts";
import type { TestedStore } from "./online-stores.ts";

/** The churn example, whose definitions, model and budgets load tests use. */
export const EXAMPLE = join(import.meta.dirname, "..", "..", "..", "..", "examples", "churn");

/** What a load test changes in the example's definitions. */
export interface DefinitionSettings {
  readonly store: TestedStore;
  /** `host:port` of the way to Redis. */
  readonly address: string;
  readonly tenants: readonly string[];
  /** `deadline` and `write_deadline` of the online store. */
  readonly deadline: string;
  /** Of a Kafka from which the view `billing` is kept fresh. */
  readonly brokers?: readonly string[];
}

/**
 * Writes feature_store.yaml of the example into `folder`, for another online store and with a path of its own per tenant: nothing else of it is
 * changed, its budgets least of all. Answers the file's path.
 */
export function writeDefinitions(folder: string, settings: DefinitionSettings): string {
  const { store, address, tenants, deadline, brokers } = settings;
  const file = parse(readFileSync(join(EXAMPLE, "feature_store.yaml"), "utf8")) as ExampleFile;
  const changed = {
    ...file,
    online_store: { ...store.settings(address), deadline, write_deadline: deadline },
    offline_store: { type: "duckdb", path: "../data" },
    ...(brokers === undefined ? {} : { stream: { type: "kafka", brokers, group_id: EVENTS_GROUP } }),
    tenants: Object.fromEntries(tenants.map((tenant) => [tenant, {}])),
    feature_views: file.feature_views.map((view) => ({
      ...view,
      source: { ...view.source, path: `${view.name}/{tenant}/*.parquet` },
      ...(brokers !== undefined && view.name === EVENTS_TOPIC ? { stream: STREAM } : {}),
    })),
  };
  mkdirSync(folder, { recursive: true });
  symlinkSync(join(EXAMPLE, "models"), join(folder, "models"));
  const path = join(folder, "feature_store.yaml");
  writeFileSync(path, stringify(changed));
  return path;
}

/** How the records of event-stream.ts are read. */
const STREAM = {
  ...{ topic: EVENTS_TOPIC, format: "json", tenant_field: "tenant" },
  ...{ event_time: "event_timestamp", created_time: "created" },
};

interface ExampleFile {
  readonly feature_views: readonly { readonly name: string; readonly source: Readonly<Record<string, unknown>> }[];
}
