import { createHash } from "node:crypto";
import { relative } from "node:path";
import type { Definitions, FeatureView } from "@larder/schema";
import { stateOf } from "./file-state.ts";
import { requireDuckDb } from "./require-duckdb.ts";
import { listSourceFiles } from "./source-files.ts";

/**
 * A text that stays the same while the files of a view's source for a tenant do: their names, sizes and modification times. Whoever resumes a reading
 * compares it first.
 *
 * @throws SOURCE_NOT_FOUND, UNSUPPORTED
 */
export async function fingerprintSource(definitions: Definitions, view: FeatureView, tenant: string): Promise<string> {
  requireDuckDb(definitions, "Reading latest rows");
  const files = await listSourceFiles(definitions, view, tenant);
  const hash = createHash("sha256");
  for (const [file, state] of await stateOf(files)) {
    hash.update(JSON.stringify([relative(definitions.offlineStore.path, file), state]));
  }
  return hash.digest("hex");
}
