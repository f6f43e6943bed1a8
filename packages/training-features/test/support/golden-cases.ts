import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { KeyType, ValueType } from "@larder/schema";
import type { TrainingSetRequest } from "../../src/index.ts";
import { makeDefinitions, makeView, refsOf } from "./make-definitions.ts";

interface GoldenCase {
  readonly name: string;
  readonly entities: string;
  readonly entity_timestamp: string;
  readonly entity_keys: Readonly<Record<string, KeyType>>;
  readonly full_feature_names: boolean;
  readonly views: readonly {
    readonly name: string;
    readonly file: string;
    readonly join_keys: readonly { readonly view: string; readonly entity: string }[];
    readonly timestamp_field: string;
    readonly created_timestamp_column: string | null;
    readonly created_means: "arrival" | "load_time";
    readonly ttl_us: number;
    readonly tombstone_column: string | null;
    readonly features: Readonly<Record<string, string>>;
  }[];
  readonly modes: Readonly<Record<"default" | "bitemporal", string | undefined>>;
}

/** One result of a case. */
export interface GoldenRun {
  readonly name: string;
  readonly mode: string;
  /** File of the result, in the case's folder. */
  readonly expected: string;
}

/** The folder of the cases, each in one of its own. */
export const goldenFolder = join(import.meta.dirname, "..", "golden", "pit");

const TYPES: Readonly<Record<string, ValueType>> = { double: "float64", int64: "int64", string: "string" };

/** Names of the cases. */
export const goldenCases: readonly string[] = (
  JSON.parse(readFileSync(join(goldenFolder, "index.json"), "utf8")) as { name: string }[]
).map(({ name }) => name);

/** Every result of every case. */
export const goldenRuns: readonly GoldenRun[] = goldenCases.flatMap((name) =>
  Object.entries(readCase(name).modes).map(([mode, expected]) => ({ name, mode, expected: expected! })),
);

/** What builds a result; sources and entity rows are read from `<root>/<case>`. */
export function goldenRequest({ name, mode }: GoldenRun, root: string = goldenFolder): Omit<TrainingSetRequest, "out"> {
  const golden = readCase(name);
  const views = golden.views.map((view) =>
    makeView({
      name: view.name,
      joinKeys: view.join_keys.map((key) => ({
        name: key.view,
        // The case gives the entity rows' types; the files of views hold int64 where those are narrower.
        type: golden.entity_keys[key.entity] === "int32" ? "int64" : golden.entity_keys[key.entity]!,
      })),
      features: Object.fromEntries(Object.entries(view.features).map(([feature, type]) => [feature, TYPES[type]!])),
      ttl: view.ttl_us,
      source: {
        path: view.file,
        timestampField: view.timestamp_field,
        createdTimestampColumn: view.created_timestamp_column ?? undefined,
        createdMeans: view.created_means,
        tombstoneColumn: view.tombstone_column ?? undefined,
      },
    }),
  );
  const features = views.flatMap((view, i) =>
    refsOf(view, { keys: Object.fromEntries(golden.views[i]!.join_keys.map((key) => [key.view, key.entity])) }),
  );
  return {
    definitions: makeDefinitions(`${root}/${name}`, views),
    features,
    fullFeatureNames: golden.full_feature_names,
    entities: `${root}/${name}/${golden.entities}`,
    asOf: mode === "bitemporal" ? "bitemporal" : "event_time",
    timestampColumn: golden.entity_timestamp,
    tenant: "default",
  };
}

function readCase(name: string): GoldenCase {
  return JSON.parse(readFileSync(join(goldenFolder, name, "case.json"), "utf8"));
}
