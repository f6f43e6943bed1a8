import type { Definitions } from "@larder/schema";
import type { Call } from "../../../call.ts";
import { decodeScanned } from "../../../row/decode-scanned.ts";
import type { SchemaRegistry } from "../../../schema-registry.ts";
import { FeastViews } from "../feast/field-names.ts";
import { encodeTimestamp } from "../feast/timestamp-codec.ts";
import { encodeValue } from "../feast/value-codec.ts";
import { rowKeyParts, ViewFields } from "../redis-keys.ts";
import type { OtherHash } from "./alternatives.ts";
import type { SampledEntity } from "./sample-entities.ts";

/** Feast's default. */
const ENTITY_KEY_VERSION = 3;

/**
 * The hashes that Feast itself would make of sampled entities of the packed layout: their rows are decoded and encoded as Feast does. An entity that
 * holds a row which cannot be read is not in the answer. Tombstones have no form in Feast; its event times are whole seconds.
 */
export async function hashesOfFeast(
  definitions: Definitions,
  sampled: readonly SampledEntity[],
  schemas: SchemaRegistry,
  call: Omit<Call, "tenant">,
): Promise<ReadonlyMap<SampledEntity, readonly OtherHash[]>> {
  const views = new FeastViews(definitions.project, ENTITY_KEY_VERSION);
  const fields = new ViewFields();
  for (const view of definitions.views.keys()) fields.fieldOf(view);
  const found = new Map<SampledEntity, readonly OtherHash[]>();
  for (const entity of sampled) {
    const parts = rowKeyParts(definitions.project, entity.key.toString("latin1"));
    if (parts === undefined) continue;
    const hashes = new Map<string, { keyBytes: number; fields: { name: number; value: number }[] }>();
    let whole = true;
    for (const [field, bytes] of entity.fields ?? []) {
      const view = definitions.views.get(fields.viewOf(field.toString("latin1")));
      const scanned = { view: view?.name ?? "", entityKey: parts.entityKey, bytes };
      const { row } = await decodeScanned(view, scanned, schemas, { ...call, tenant: parts.tenant });
      if (view === undefined || row === undefined) whole = false;
      else if (row.values !== undefined) {
        const { keySpace, timeField, features } = views.of(view);
        const hash = hashes.get(keySpace.id) ?? { keyBytes: keySpace.redisKey(parts.entityKey).length, fields: [] };
        hashes.set(keySpace.id, hash);
        hash.fields.push({ name: timeField.length, value: encodeTimestamp(wholeSeconds(row.eventTime)).length });
        for (const [at, { kind, field: name }] of features.entries()) {
          const value = row.values[at];
          if (value !== undefined) hash.fields.push({ name: name.length, value: encodeValue(kind, value).length });
        }
      }
    }
    if (whole) found.set(entity, [...hashes.values()]);
  }
  return found;
}

function wholeSeconds(micros: number): number {
  return Math.floor(micros / 1e6) * 1e6;
}
