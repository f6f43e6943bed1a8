import type { Dirent } from "node:fs";
import { glob, readdir, stat } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import { type BatchSource, type Definitions, type FeatureView, LarderError } from "@larder/schema";

/** The tenant that a source serves when neither its path nor a column says whose a row is. */
const DEFAULT_TENANT = "default";

/** A view's batch source. @throws SOURCE_NOT_FOUND if it has none */
export function batchSourceOf(view: FeatureView): BatchSource {
  if (view.source !== undefined) return view.source;
  throw new LarderError("SOURCE_NOT_FOUND", {
    what: `Feature view "${view.name}" has no batch source`,
    remedy: "Give it source.path in feature_store.yaml, or leave it out",
    facts: { view: view.name },
  });
}

/**
 * The files of a view's source for one tenant, sorted by path: a file, a glob, or a folder with all `.parquet` files below it (but not those in
 * hidden folders or ones that start with `_`, where writers keep unfinished work). `{tenant}` in the path stands for the tenant's name,
 * percent-encoded except for letters, digits, `-`, `_`, `~` and inner dots, so that no name can reach another's files.
 *
 * @throws SOURCE_NOT_FOUND for no file, or for another tenant than `default` where neither path nor column tells tenants apart
 * @throws UNSUPPORTED for an object store
 */
export async function listSourceFiles(definitions: Definitions, view: FeatureView, tenant: string): Promise<string[]> {
  refuseObjectStore(definitions.offlineStore.path);
  const path = tenantPath(view, tenant);
  refuseObjectStore(path);
  const found = await findFiles(definitions.offlineStore.path, path);
  if (found.length > 0) return found.sort();
  throw new LarderError("SOURCE_NOT_FOUND", {
    what: `Feature view "${view.name}" has no Parquet file at ${resolve(definitions.offlineStore.path, path)}`,
    remedy: "Put its files there, or correct source.path or offline_store.path",
    facts: { view: view.name, path },
  });
}

/**
 * The path of a view's source for one tenant, as its file gives it but for `{tenant}`.
 * @throws SOURCE_NOT_FOUND for another tenant than `default` where neither path nor column tells tenants apart
 */
export function tenantPath(view: FeatureView, tenant: string): string {
  const source = batchSourceOf(view);
  const hasTenant = source.path.includes("{tenant}");
  if (!hasTenant && source.tenantColumn === undefined && tenant !== DEFAULT_TENANT) {
    throw new LarderError("SOURCE_NOT_FOUND", {
      what: `The source of feature view "${view.name}" holds rows of tenant "${DEFAULT_TENANT}" only, not of "${tenant}"`,
      remedy: "Put {tenant} in its path, or name its tenant_column",
      facts: { view: view.name, tenant },
    });
  }
  const path = source.path.replaceAll("{tenant}", tenantSegment(tenant));
  if (hasTenant) refuseLongName(view, path, tenant);
  return path;
}

/** Whether a path says what kind of place it is in: `s3://…`, `file://…`. */
export function hasScheme(path: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(path);
}

/** @throws UNSUPPORTED for a path that names an object store instead of a file */
export function refuseObjectStore(path: string): void {
  if (!hasScheme(path)) return;
  throw new LarderError("UNSUPPORTED", {
    what: `"${path}" is in an object store, which Larder does not read yet`,
    remedy: "Copy the files to a local folder and give its path",
    facts: { path },
  });
}

/** Longest name of a file or folder in bytes, on nearly every file system. */
const MAX_NAME_BYTES = 255;

/** Encoding makes three characters of a byte. */
function refuseLongName(view: FeatureView, path: string, tenant: string): void {
  const longest = Math.max(...path.split("/").map((segment) => Buffer.byteLength(segment)));
  if (longest <= MAX_NAME_BYTES) return;
  throw new LarderError("SOURCE_NOT_FOUND", {
    what: `The path of feature view "${view.name}" has a name of ${longest} bytes for tenant "${tenant}", and files have names of ${MAX_NAME_BYTES} at most`,
    remedy: "Name the source's tenant_column instead of {tenant}, or give the tenant a shorter name",
    facts: { view: view.name, tenant },
  });
}

function tenantSegment(tenant: string): string {
  const encoded = encodeURIComponent(tenant).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return encoded.replace(/^\.+|\.+$/g, (dots) => "%2E".repeat(dots.length));
}

async function findFiles(root: string, path: string): Promise<string[]> {
  const literal = resolve(root, path);
  const info = await stat(literal).catch(() => undefined);
  if (info?.isFile()) return [literal];
  if (info?.isDirectory()) return filesBelow(literal);
  const magic = path.split("/").findIndex((segment) => /[*?[{]/.test(segment));
  if (magic === -1) return [];
  // The folder before the pattern is taken as it is written, whatever characters it has.
  const segments = path.split("/");
  const base = resolve(root, segments.slice(0, magic).join("/") || (path.startsWith("/") ? "/" : "."));
  const matches: string[] = [];
  for await (const entry of glob(segments.slice(magic).join("/"), { cwd: base, withFileTypes: true })) {
    if (await isFile(entry)) matches.push(join(entry.parentPath, entry.name));
  }
  return [...new Set(matches)];
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files: string[] = [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const hidden = path
      .slice(folder.length)
      .split(sep)
      .some((segment) => /^[._]/.test(segment));
    if (!hidden && entry.name.endsWith(".parquet") && (await isFile(entry))) files.push(path);
  }
  return files;
}

/** A file, or a link to one. */
async function isFile(entry: Dirent): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isFile();
  const info = await stat(join(entry.parentPath, entry.name)).catch(() => undefined);
  return info?.isFile() ?? false;
}
