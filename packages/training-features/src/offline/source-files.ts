import type { Dirent } from "node:fs";
import { glob, readdir, stat } from "node:fs/promises";
import { join, posix, resolve, sep } from "node:path";
import { type Definitions, type FeatureView, LarderError } from "@larder/schema";
import type { ObjectStore } from "../object-store/object-store.ts";
import { isObjectUrl, objectBelow, readObjectUrl, refuseOtherStores } from "../object-store/object-url.ts";
import type { StoredObject } from "../object-store/s3-requests.ts";
import { batchSourceOf } from "./batch-source.ts";
import { keepPartitions, type PartitionRange } from "./hive-partition.ts";
import { refuseTableFormats } from "./table-format.ts";

/** The tenant that a source serves when neither its path nor a column says whose a row is. */
const DEFAULT_TENANT = "default";

/** A file of a source: its absolute path, or the object at its address. */
export interface SourceFile {
  readonly name: string;
  /** undefined for a file of the machine's own. */
  readonly object: StoredObject | undefined;
}

/** Whose files of which source. */
export interface SourceFilesRequest {
  readonly definitions: Definitions;
  readonly view: FeatureView;
  readonly tenant: string;
  readonly objects: ObjectStore;
  /** Files are left out whose partition cannot hold rows of this range. Default: none. */
  readonly range?: PartitionRange | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * The files of a view's source for one tenant, sorted by path: a file, a glob, or a folder with all `.parquet` files below it (but not those in
 * hidden folders or ones that start with `_`, where writers keep unfinished work). `{tenant}` in the path stands for the tenant's name,
 * percent-encoded except for letters, digits, `-`, `_`, `~` and inner dots, so that no name can reach another's files. Objects in S3 are found by
 * the same rules, a folder being the part of their keys before a slash.
 *
 * @throws SOURCE_NOT_FOUND for no file, or for another tenant than `default` where neither path nor column tells tenants apart
 * @throws UNSUPPORTED for another store than S3, and for a table of Delta or Iceberg; SOURCE_MISMATCH for a partition whose value is none
 */
export async function listSourceFiles(request: SourceFilesRequest): Promise<SourceFile[]> {
  const { definitions, view, tenant } = request;
  const source = batchSourceOf(view);
  const hasTenant = source.path.includes("{tenant}");
  if (!hasTenant && source.tenantColumn === undefined && tenant !== DEFAULT_TENANT) {
    throw new LarderError("SOURCE_NOT_FOUND", {
      what: `The source of feature view "${view.name}" holds rows of tenant "${DEFAULT_TENANT}" only, not of "${tenant}"`,
      remedy: "Put {tenant} in its path, or name its tenant_column",
      facts: { view: view.name, tenant },
    });
  }
  const root = definitions.offlineStore.path;
  const path = source.path.replaceAll("{tenant}", tenantSegment(tenant));
  if (hasTenant) refuseLongName(view, path, tenant);
  refuseOtherStores(root);
  refuseOtherStores(path);
  const inStore = isObjectUrl(path) || (isObjectUrl(root) && !path.startsWith("/"));
  const found = inStore ? await findObjects(request, root, path) : await findFiles(view, root, path);
  if (found.length === 0) {
    throw new LarderError("SOURCE_NOT_FOUND", {
      what: `Feature view "${view.name}" has no Parquet file at ${inStore ? objectBelow(root, path) : resolve(root, path)}`,
      remedy: "Put its files there, or correct source.path or offline_store.path",
      facts: { view: view.name, path },
    });
  }
  found.sort((a, b) => (a.name < b.name ? -1 : 1));
  return keepPartitions(view, tenant, found, request.range);
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

/** Position of the first segment of a path that is a pattern; -1 for none. */
function patternAt(segments: readonly string[]): number {
  return segments.findIndex((segment) => /[*?[{]/.test(segment));
}

/** Whether a folder's file is no unfinished or private work; `path` is relative to the folder. */
function isVisible(path: string, separator: string): boolean {
  return path.endsWith(".parquet") && !path.split(separator).some((segment) => /^[._]/.test(segment));
}

async function findObjects(
  { view, objects, signal }: SourceFilesRequest,
  root: string,
  path: string,
): Promise<SourceFile[]> {
  const url = objectBelow(root, path);
  const { key } = readObjectUrl(url);
  const file = (object: StoredObject): SourceFile => ({ name: object.url, object });
  const exact = await objects.find(url, signal);
  if (exact !== undefined) return [file(exact)];
  const below = url.endsWith("/") ? url : `${url}/`;
  const inFolder = await objects.list(below, signal);
  if (inFolder.length > 0) {
    const length = readObjectUrl(below).key.length;
    const relative = inFolder.map((object) => object.key.slice(length));
    refuseTableFormats(view, url, relative);
    return inFolder.filter((_, i) => isVisible(relative[i]!, "/")).map(file);
  }
  // As with files, what is before the pattern is taken as it is written.
  const given = isObjectUrl(path) ? readObjectUrl(path).key : path;
  const segments = given.split("/");
  const magic = patternAt(segments);
  if (magic === -1) return [];
  const pattern = segments.slice(magic).join("/");
  const base = key.slice(0, key.length - pattern.length);
  const found = await objects.list(`s3://${readObjectUrl(url).bucket}/${base}`, signal);
  return found.filter((object) => posix.matchesGlob(object.key.slice(base.length), pattern)).map(file);
}

async function findFiles(view: FeatureView, root: string, path: string): Promise<SourceFile[]> {
  const file = (name: string): SourceFile => ({ name, object: undefined });
  const literal = resolve(root, path);
  const info = await stat(literal).catch(() => undefined);
  if (info?.isFile()) return [file(literal)];
  if (info?.isDirectory()) return (await filesBelow(view, literal)).map(file);
  const segments = path.split("/");
  const magic = patternAt(segments);
  if (magic === -1) return [];
  // The folder before the pattern is taken as it is written, whatever characters it has.
  const base = resolve(root, segments.slice(0, magic).join("/") || (path.startsWith("/") ? "/" : "."));
  const matches: string[] = [];
  for await (const entry of glob(segments.slice(magic).join("/"), { cwd: base, withFileTypes: true })) {
    if (await isFile(entry)) matches.push(join(entry.parentPath, entry.name));
  }
  return [...new Set(matches)].map(file);
}

async function filesBelow(view: FeatureView, folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const relative = entries.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  refuseTableFormats(
    view,
    folder,
    relative.map((path) => path.split(sep).join("/")),
  );
  const files: string[] = [];
  for (const [i, entry] of entries.entries()) {
    const path = relative[i]!;
    if (isVisible(path, sep) && (await isFile(entry))) files.push(join(folder, path));
  }
  return files;
}

/** A file, or a link to one. */
async function isFile(entry: Dirent): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isFile();
  const info = await stat(join(entry.parentPath, entry.name)).catch(() => undefined);
  return info?.isFile() ?? false;
}
