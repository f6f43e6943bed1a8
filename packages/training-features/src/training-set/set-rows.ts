import { basename, dirname, join, resolve } from "node:path";
import { hasScheme } from "@larder/schema";
import type { OfflineEngine } from "../offline/offline-engine.ts";
import { compareRows, type RowDifferences, type RowsSide } from "./compare-rows.ts";
import { InputHashes } from "./input-hash.ts";
import { hashOfParts, type TrainingSetManifest } from "./manifest.ts";
import { statIfThere } from "./stat-if-there.ts";

/** A training set by its manifest. */
export interface NamedSet {
  /** Absolute path of the manifest. */
  readonly path: string;
  readonly manifest: TrainingSetManifest;
}

/** The rows of a training set, where they can be read here; otherwise why not, as a sentence. */
export interface SetRows {
  readonly side: RowsSide | undefined;
  /** Whether the files are those that the manifest describes; undefined where there are none. */
  readonly asDescribed: boolean | undefined;
  readonly notice: string | undefined;
}

/** Finds a set's files and holds them to the hashes of its manifest. @throws ABORTED */
export async function openSetRows({ path, manifest }: NamedSet, signal: AbortSignal | undefined): Promise<SetRows> {
  const { output } = manifest;
  const none = (notice: string): SetRows => ({ side: undefined, asDescribed: undefined, notice });
  if (hasScheme(output.path)) return none(`The rows of ${output.path} are not on this machine and were not read.`);
  const out = resolve(dirname(path), output.path);
  const files = output.files?.map((file) => join(out, file.path)) ?? [out];
  for (const file of files) {
    if (!(await statIfThere(file))?.isFile()) {
      return none(`The rows of ${basename(path)} were not read: there is no file ${file}.`);
    }
  }
  const asDescribed = (await hashOf(files, output.files, signal)) === output.sha256;
  const other = `${out} is not what ${basename(path)} describes: somebody changed it, or put another in its place.`;
  const notice = asDescribed ? undefined : other;
  if (/\.arrow$/i.test(out) && output.files === null) {
    return {
      side: undefined,
      asDescribed,
      notice: notice ?? `The rows of ${out} were not compared: Arrow files are not read.`,
    };
  }
  const format = /\.csv$/i.test(out) && output.files === null ? "csv" : "parquet";
  return { side: { format, files, partitioned: output.files !== null }, asDescribed, notice };
}

/** Compares rows by the join keys and times that both manifests name; undefined where these are not the same. */
export async function compareSets(
  engine: OfflineEngine,
  a: RowsSide,
  b: RowsSide,
  of: { readonly a: TrainingSetManifest; readonly b: TrainingSetManifest },
  signal: AbortSignal | undefined,
): Promise<RowDifferences | undefined> {
  const pairedBy = pairingOf(of.a);
  if (pairedBy.join("\n") !== pairingOf(of.b).join("\n")) return undefined;
  const here = new Set(of.b.output.columns);
  const shared = of.a.output.columns.filter((column) => here.has(column) && !pairedBy.includes(column));
  const types = new Map(of.a.features.map(({ column, type }) => [column, type]));
  const columns = shared.map((name) => ({ name, number: /^(int|float)\d+$/.test(types.get(name) ?? "") }));
  return compareRows({ engine, a, b, pairedBy, columns, signal });
}

/** Join columns in order of their names, then the time. */
function pairingOf({ views, timestamp_column }: TrainingSetManifest): string[] {
  const columns = new Set(views.flatMap(({ join_keys }) => Object.values(join_keys)));
  return [...[...columns].sort(), timestamp_column];
}

async function hashOf(
  files: readonly string[],
  parts: TrainingSetManifest["output"]["files"],
  signal: AbortSignal | undefined,
): Promise<string> {
  const hashes = new InputHashes(signal);
  if (parts === null) return hashes.of(files[0]!);
  const found: { path: string; sha256: string }[] = [];
  for (const [i, { path }] of parts.entries()) found.push({ path, sha256: await hashes.of(files[i]!) });
  return hashOfParts(found);
}
