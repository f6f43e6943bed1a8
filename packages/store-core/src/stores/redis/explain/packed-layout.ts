import type { Definitions, FeatureView } from "@larder/schema";
import { decodeEntityKey } from "../../../keys/entity-key.ts";
import { HEADER_BYTES } from "../../../row/row-layout.ts";
import { isRow, isTombstone, readEventTime, rowBytes } from "../../../row/row-reader.ts";
import { projectPrefix, rowKey, rowKeyParts, tenantPrefix, ViewFields } from "../redis-keys.ts";
import type { ExplainedLayout } from "./layout.ts";
import type { RowFacts } from "./weigh-entity.ts";

/** Byte of a packed row that holds its number of features, and what it holds for that many or more. */
const FEATURES_AT = 15;
const MANY_FEATURES = 255;

/** Larder's packed rows: a group is a tenant. `tenant`: only this one; `now` is in microseconds. */
export function packedLayout(
  definitions: Definitions,
  { tenant, now }: { readonly tenant: string | undefined; readonly now: number },
): ExplainedLayout {
  const { project, views } = definitions;
  const fields = new ViewFields();
  for (const view of views.keys()) fields.fieldOf(view);
  const viewOf = (field: Buffer) => views.get(fields.viewOf(field.toString("latin1")));
  const partsOf = (key: Buffer) => rowKeyParts(project, key.toString("latin1"));
  return {
    walks: [
      {
        // Escaped segments hold no glob character, so the pattern is exact.
        pattern: tenant === undefined ? `${projectPrefix(project)}*` : rowKey(tenantPrefix(project, tenant), "*"),
        groupOf: (key) => partsOf(key)?.tenant,
      },
    ],
    describe: (group) => ({ tenant: group, joinKeys: undefined }),
    rowsOf: (group, { fields: cells = [] }) =>
      cells.map(([field, value]) => {
        const view = viewOf(field);
        const name = view?.name ?? fields.viewOf(field.toString("latin1"));
        const life = view === undefined ? undefined : lifeOf(definitions, view, group);
        const row = packedRow(name, field, value, life === undefined ? undefined : now - life);
        return row.features < MANY_FEATURES ? row : { ...row, features: view?.features.length ?? row.features };
      }),
    entityOf(_group, { key, fields: cells = [] }) {
      const text = partsOf(key)?.entityKey ?? "";
      for (const [field] of cells) {
        const view = viewOf(field);
        const values = view === undefined ? undefined : decodeEntityKey(view, text);
        if (view === undefined || values === undefined) continue;
        return Object.fromEntries(view.joinKeys.map(({ name }, at) => [name, values[at]]));
      }
      return { entity_key: text };
    },
  };
}

/** How long rows are kept, in microseconds; undefined = for ever. */
function lifeOf(definitions: Definitions, view: FeatureView, tenant: string): number | undefined {
  const ttl = definitions.onlineTtl(view, tenant);
  return ttl === undefined ? undefined : ttl + view.keepStale;
}

/** `deadBefore`: rows of earlier event times have outlived their TTL. */
function packedRow(view: string, field: Buffer, value: Buffer, deadBefore: number | undefined): RowFacts {
  const row = rowBytes(value);
  const readable = isRow(row.view, 0, value.length);
  const tombstone = readable && isTombstone(row.view, 0);
  const features = readable && !tombstone ? (value[FEATURES_AT] as number) : 0;
  const headerBytes = readable ? Math.min(value.length, HEADER_BYTES + Math.ceil(features / 4)) : 0;
  const dead = readable && deadBefore !== undefined && readEventTime(row.view, 0) < deadBefore;
  return {
    view,
    features,
    headerBytes,
    valueBytes: value.length - headerBytes,
    nameBytes: field.length,
    tombstone,
    dead,
  };
}
