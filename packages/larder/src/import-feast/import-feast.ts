import { basename, dirname, isAbsolute, relative } from "node:path";
import { LarderError } from "@larder/schema";
import { carryDefinitions } from "./carry-definitions.ts";
import { type DraftFile, described } from "./draft.ts";
import { carryOnlineStore, type FeastRepo, openFeastRepo } from "./feast-repo.ts";
import { type ImportNote, ImportNotes } from "./import-notes.ts";
import type { Registry } from "./protos/registry_pb.ts";
import { readUpTo } from "./read-file.ts";
import { readRegistry } from "./read-registry.ts";
import { settleDraft } from "./settle-draft.ts";
import { draftText, fileText, writeImported } from "./write-draft.ts";

/** What to import, and where to. Paths are absolute. */
export interface ImportFeastOptions {
  /** A registry file, or the folder of a Feast repository. */
  readonly from: string;
  /** The file to write. */
  readonly out: string;
  /** Which project of the registry. Default: the repository's, else the only one. */
  readonly project?: string | undefined;
  /** Feast's Redis. Default: the repository's, else Feast's own default. */
  readonly connectionString?: string | undefined;
  /** Overwrite a file that is not as an import wrote it. Default false. */
  readonly confirmed?: boolean | undefined;
  /** Where variables are looked up. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What was imported, and everything that was not, or is not as in Feast. */
export interface ImportReport {
  readonly out: string;
  readonly project: string;
  readonly entities: number;
  readonly feature_views: number;
  readonly feature_services: number;
  readonly notes: readonly ImportNote[];
}

/** Some hundred thousand features; a `feature_store.yaml` holds fewer. */
const MAX_REGISTRY_BYTES = 32 * 1024 * 1024;

/**
 * Writes a `feature_store.yaml` from a Feast registry. The file loads, and what it lacks stands in its comments and in the report.
 * @throws CONFIG_UNREADABLE, CONFIG_INVALID, INVALID_REQUEST (which project?), UNSUPPORTED, CONFIRMATION_REQUIRED, OUTPUT_UNWRITABLE; nothing is
 * written then
 */
export async function importFeast(options: ImportFeastOptions): Promise<ImportReport> {
  const { out, env } = options;
  const repo = await openFeastRepo(options.from, env);
  const registry = readRegistry(await readUpTo(repo.registry, MAX_REGISTRY_BYTES), repo.registry);
  const project = chooseProject(registry, options.project ?? repo.project);
  const notes = new ImportNotes();
  const draft: DraftFile = {
    project,
    ...literal(describedProject(registry, project)),
    ...carryOnlineStore(repo, options.connectionString, env, notes),
    ...offlineStore(repo, out),
    ...literal(carryDefinitions(registry, project, notes)),
  };
  settleDraft(draft, draftText, env, notes);
  await writeImported(
    out,
    fileText(draft, notes.all, `${basename(repo.registry)}, project ${project}`),
    options.confirmed === true,
  );
  return {
    out,
    project,
    entities: draft.entities.length,
    feature_views: draft.feature_views.length,
    feature_services: draft.feature_services.length,
    notes: notes.all,
  };
}

function chooseProject(registry: Registry, wanted: string | undefined): string {
  const specs = [
    ...registry.entities,
    ...registry.featureViews,
    ...registry.streamFeatureViews,
    ...registry.featureServices,
  ].map(({ spec }) => spec?.project ?? "");
  const names = [...new Set([...registry.projects.map(({ spec }) => spec?.name ?? ""), ...specs])].filter(
    (name) => name !== "",
  );
  const [only] = names;
  if (wanted === undefined && only !== undefined && names.length === 1) return only;
  if (wanted !== undefined && names.includes(wanted)) return wanted;
  const has =
    names.length === 0
      ? "none"
      : names
          .slice(0, 20)
          .map((name) => JSON.stringify(name))
          .join(", ");
  throw new LarderError("INVALID_REQUEST", {
    what:
      wanted === undefined
        ? `The registry has ${names.length} projects: ${has}`
        : `The registry has no project ${JSON.stringify(wanted)}; it has ${has}`,
    remedy: names.length === 0 ? "Name a registry that `feast apply` has filled" : "Name one of them with --project",
    facts: { field: "project" },
  });
}

function describedProject(registry: Registry, project: string): ReturnType<typeof described> {
  const spec = registry.projects.find((each) => each.spec?.name === project)?.spec;
  return spec === undefined ? {} : described(spec);
}

/** Feast's relative paths count from its repository, Larder's from the offline store's. */
function offlineStore({ folder }: FeastRepo, out: string): Pick<DraftFile, "offline_store"> {
  const path = folder === undefined ? "" : relative(dirname(out), folder);
  return path === ""
    ? {}
    : { offline_store: { type: "duckdb", path: isAbsolute(path) ? path : path.replaceAll("\\", "/") } };
}

/** Text of a registry stands for itself; the loader would expand `${…}` in it. */
function literal<T>(value: T): T {
  if (typeof value === "string") return value.replaceAll("${", "$$${") as T;
  if (Array.isArray(value)) return value.map(literal) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, literal(each)])) as T;
}
