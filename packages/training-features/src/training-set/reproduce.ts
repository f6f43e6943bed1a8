import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import {
  type Definitions,
  type FeatureRef,
  findFeature,
  hasScheme,
  isLarderError,
  LarderError,
  meaningOfFeature,
} from "@larder/schema";
import { ObjectStore } from "../object-store/object-store.ts";
import { isObjectUrl } from "../object-store/object-url.ts";
import { openDuckDb } from "../offline/duckdb-session.ts";
import type { OfflineEngine } from "../offline/offline-engine.ts";
import type { SparkEngine } from "../spark/spark-session.ts";
import { compareFeatures, compareInputs, type FeatureChange, type InputChange } from "./compare-manifests.ts";
import type { RowDifferences } from "./compare-rows.ts";
import { InputHashes } from "./input-hash.ts";
import type { TrainingSetManifest } from "./manifest.ts";
import { readWholeManifest } from "./read-manifest.ts";
import { compareSets, openSetRows } from "./set-rows.ts";
import { statIfThere } from "./stat-if-there.ts";
import { buildTrainingSet, type TrainingSetProgress, type TrainingSetReport } from "./training-set.ts";

/** A training set to be built again. */
export interface ReproduceRequest {
  /** Those of now: what features mean must not have changed. */
  readonly definitions: Definitions;
  /** Path of the manifest. */
  readonly manifest: string;
  /** Whose the training set is. */
  readonly tenant: string;
  /** Keeps the new training set there, with its manifest beside it; by default it is removed when it has been compared. */
  readonly out?: string | undefined;
  /** An open session to use; by default one is opened and closed. */
  readonly engine?: OfflineEngine | undefined;
  readonly spark?: SparkEngine | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TrainingSetProgress) => void) | undefined;
}

/** What became of a training set that was built again. */
export interface Reproduction {
  /** Whether inputs, what features mean and every byte of the output are what the manifest says. */
  readonly reproduced: boolean;
  /** Files that are not what they were; with any of them, or of `features`, nothing was built. */
  readonly inputs: readonly InputChange[];
  readonly definitions: { readonly recorded: string; readonly now: string; readonly equal: boolean };
  /** Features that mean something else by now. */
  readonly features: readonly FeatureChange[];
  /** Hashes and rows; of the new one null if it was not built. */
  readonly output: {
    readonly recorded_sha256: string;
    readonly rebuilt_sha256: string | null;
    readonly recorded_rows: number;
    readonly rebuilt_rows: number | null;
  };
  /** How rows differ, where bytes do and the former output is there, from the former to the new. */
  readonly rows: RowDifferences | null;
  /** Absolute path of the new training set, if it was to be kept. */
  readonly out: string | null;
  readonly notices: readonly string[];
}

/**
 * Builds a training set again from what its manifest says and compares: first the inputs' hashes, then what the features mean, then the output's bytes.
 * Neither the former output nor its manifest is changed.
 *
 * @throws INVALID_REQUEST for what is no manifest, or that of another project or tenant; UNSUPPORTED for one of a cluster's output; and what
 *   `buildTrainingSet` throws
 */
export async function reproduceTrainingSet(request: ReproduceRequest): Promise<Reproduction> {
  const { definitions, signal } = request;
  const path = hasScheme(request.manifest) ? request.manifest : resolve(request.manifest);
  const manifest = await readWholeManifest(path);
  const recorded = requireReproducible(request, path, manifest);
  const notices: string[] = [];
  const refs = refsNow(definitions, manifest);
  const meanings = refs.map((ref) => ({ feature: nameOf(ref), meaning: meaningOfFeature(ref) }));
  const known = {
    definitions: {
      recorded: manifest.definitions_hash,
      now: definitions.hash,
      equal: manifest.definitions_hash === definitions.hash,
    },
    features: compareFeatures(manifest.features, meanings),
  };
  const output = {
    recorded_sha256: recorded,
    rebuilt_sha256: null,
    recorded_rows: manifest.output.rows,
    rebuilt_rows: null,
  };
  const inputs = await changedInputs(request, path, manifest, notices);
  if (inputs.length > 0 || known.features.length > 0) {
    return { reproduced: false, inputs, ...known, output, rows: null, out: null, notices };
  }
  if (!known.definitions.equal) notices.push("The definitions have changed since, but not what these features mean.");

  const temporary = request.out === undefined ? await mkdtemp(join(tmpdir(), "larder-reproduce-")) : undefined;
  const own = request.engine === undefined ? await openDuckDb() : undefined;
  try {
    const engine = request.engine ?? own!;
    const out = request.out === undefined ? join(temporary!, basename(manifest.output.path)) : resolve(request.out);
    const report = await rebuild(request, path, manifest, refs, out, engine);
    const { engine: before } = manifest;
    const { engine: now } = report.manifest;
    if (before.version !== now.version)
      notices.push(
        `It was built by ${before.name} ${before.version}, and now by ${now.version}, which may write other bytes.`,
      );
    const since = compareInputs(manifest, report.manifest).filter(
      ({ of }) => of !== "entity rows" || manifest.entities.sha256 !== null,
    );
    const former = await openSetRows({ path, manifest }, signal);
    if (former.asDescribed === false && former.notice !== undefined) notices.push(former.notice);
    const equal = report.manifest.output.sha256 === recorded;
    const rows = equal ? null : await compareWith(engine, former, report, manifest, notices, signal);
    return {
      reproduced: equal && since.length === 0 && former.asDescribed !== false,
      inputs: since,
      ...known,
      output: { ...output, rebuilt_sha256: report.manifest.output.sha256, rebuilt_rows: report.rows },
      rows,
      out: request.out === undefined ? null : report.out,
      notices,
    };
  } finally {
    await own?.close();
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
  }
}

/** Answers the hash of the output. @throws INVALID_REQUEST, UNSUPPORTED */
function requireReproducible(
  { definitions, tenant, out }: ReproduceRequest,
  path: string,
  manifest: TrainingSetManifest,
): string {
  const { project, output } = manifest;
  const other =
    project !== definitions.project
      ? ["project", project, definitions.project]
      : manifest.tenant !== tenant
        ? ["tenant", manifest.tenant, tenant]
        : undefined;
  if (other !== undefined) {
    const [field = "", was, is] = other;
    throw new LarderError("INVALID_REQUEST", {
      what: `${basename(path)} is of ${field} "${was}", not of "${is}"`,
      remedy: `Name the definitions and the tenant that the training set was built for`,
      facts: { field },
    });
  }
  if (output.sha256 === null) {
    throw new LarderError("UNSUPPORTED", {
      what: `The training set of ${basename(path)} was written by a cluster, so there is no hash of it to compare with`,
      remedy: "Build it into a file of this machine",
      facts: { file: path },
    });
  }
  if (out !== undefined && [path, resolve(dirname(path), output.path)].includes(resolve(out))) {
    throw new LarderError("INVALID_REQUEST", {
      what: `${out} is the training set that is to be compared`,
      remedy: "Name another file for the new one, or none",
      facts: { field: "out" },
    });
  }
  return output.sha256;
}

/** The features as the definitions have them now; those that are gone are left out. */
function refsNow(definitions: Definitions, { feature_service, features }: TrainingSetManifest): readonly FeatureRef[] {
  if (feature_service !== null) return definitions.services.get(feature_service)?.features ?? [];
  return features.flatMap(({ feature }) => {
    try {
      return [findFeature(definitions, feature)];
    } catch (error) {
      if (isLarderError(error, "UNKNOWN_VIEW", "UNKNOWN_FEATURE", "INVALID_REQUEST")) return [];
      throw error;
    }
  });
}

function nameOf({ viewName, feature }: FeatureRef): string {
  return `${viewName}:${feature.name}`;
}

/** Recorded inputs that are gone or have other bytes. Those that came since are found when the set has been built again. */
async function changedInputs(
  { definitions, signal }: ReproduceRequest,
  manifestPath: string,
  manifest: TrainingSetManifest,
  notices: string[],
): Promise<InputChange[]> {
  await using objects = new ObjectStore(definitions.offlineStore.s3);
  const hashes = new InputHashes(signal);
  const changes: InputChange[] = [];
  let unchecked = 0;
  const { entities, views } = manifest;
  const files = [
    { of: "entity rows", folder: dirname(manifestPath), file: entities },
    ...views.flatMap(({ name, inputs }) => inputs.map((file) => ({ of: name, folder: definitions.folder, file }))),
  ];
  for (const { of, folder, file } of files) {
    const { path } = file;
    const etag = "etag" in file && typeof file.etag === "string" ? file.etag : undefined;
    if (isObjectUrl(path) && etag !== undefined) {
      const [now] = await objects.etags([path], signal);
      if (now !== etag) changes.push({ of, path, change: now === undefined ? "removed" : "changed" });
    } else if (hasScheme(path) || file.sha256 === null) {
      if (file.sha256 === null) unchecked++;
    } else {
      const there = resolve(folder, path);
      const isThere = (await statIfThere(there))?.isFile() ?? false;
      if (!isThere) changes.push({ of, path, change: "removed" });
      else if ((await hashes.of(there)) !== file.sha256) changes.push({ of, path, change: "changed" });
    }
  }
  if (unchecked > 0)
    notices.push(
      `${unchecked} of ${files.length} inputs are read by a cluster alone: there is no hash to hold them to.`,
    );
  return changes;
}

function rebuild(
  request: ReproduceRequest,
  manifestPath: string,
  manifest: TrainingSetManifest,
  features: readonly FeatureRef[],
  out: string,
  engine: OfflineEngine,
): Promise<TrainingSetReport> {
  const { definitions, tenant, spark, signal, onProgress } = request;
  const { entities, feature_service: service, split, output } = manifest;
  return buildTrainingSet({
    definitions,
    features,
    entities: hasScheme(entities.path) ? entities.path : resolve(dirname(manifestPath), entities.path),
    out,
    asOf: manifest.as_of,
    timestampColumn: manifest.timestamp_column,
    fullFeatureNames: manifest.full_feature_names,
    tenant,
    engine,
    ...(service === null ? {} : { service }),
    ...(split === null ? {} : { split: split.how }),
    ...(output.partition_by === null ? {} : { partitionBy: output.partition_by }),
    ...(spark === undefined ? {} : { spark }),
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
}

/** Bytes differ: do rows? Only what the manifest describes is worth a comparison. */
async function compareWith(
  engine: OfflineEngine,
  former: Awaited<ReturnType<typeof openSetRows>>,
  report: TrainingSetReport,
  manifest: TrainingSetManifest,
  notices: string[],
  signal: AbortSignal | undefined,
): Promise<RowDifferences | null> {
  if (former.side === undefined || former.asDescribed === false) {
    if (former.notice !== undefined && former.asDescribed !== false) notices.push(former.notice);
    return null;
  }
  const rebuilt = await openSetRows({ path: report.manifestPath, manifest: report.manifest }, signal);
  if (rebuilt.side === undefined) return null;
  const of = { a: manifest, b: report.manifest };
  return (await compareSets(engine, former.side, rebuilt.side, of, signal)) ?? null;
}
