import { createHash } from "node:crypto";
import { relative } from "node:path";
import type { Definitions, FeatureView } from "@larder/schema";
import { ObjectStore } from "../object-store/object-store.ts";
import { stateOf } from "./file-state.ts";
import { listSourceFiles } from "./source-files.ts";

/**
 * A text that stays the same while the files of a view's source for a tenant do: their names, sizes and modification times, of objects their ETags.
 * Whoever resumes a reading compares it first.
 *
 * @throws SOURCE_NOT_FOUND, SOURCE_UNREADABLE for a store that does not answer, UNSUPPORTED, MISSING_DEPENDENCY
 */
export async function fingerprintSource(definitions: Definitions, view: FeatureView, tenant: string): Promise<string> {
  await using objects = new ObjectStore(definitions.offlineStore.s3);
  const files = await listSourceFiles({ definitions, view, tenant, objects, signal: undefined });
  const hash = createHash("sha256");
  const local = files.filter(({ object }) => object === undefined).map(({ name }) => name);
  for (const [file, state] of await stateOf(local, objects, undefined)) {
    hash.update(JSON.stringify([relative(definitions.offlineStore.path, file), state]));
  }
  for (const { object } of files) if (object !== undefined) hash.update(JSON.stringify([object.url, object.etag]));
  return hash.digest("hex");
}
