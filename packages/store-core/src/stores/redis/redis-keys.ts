import { createHash } from "node:crypto";
import { LarderError } from "@larder/schema";
import { decodeSegment, encodeSegment } from "../../keys/segment.ts";
import type { MetaScope } from "../../row-store.ts";

/**
 * What every row key of one tenant starts with. Escaped segments hold no colon, brace or glob character, so prefixes of two tenants never meet,
 * and `<prefix>*` is a SCAN pattern for exactly one tenant.
 */
export function tenantPrefix(project: string, tenant: string): string {
  return `${projectPrefix(project)}${encodeSegment(tenant)}:`;
}

/** What every row key of one project starts with. */
export function projectPrefix(project: string): string {
  return `l:${encodeSegment(project)}:`;
}

/** The hash of one entity: all its views, in one slot of a cluster. `entityKey` is encoded by keys/entity-key.ts. */
export function rowKey(prefix: string, entityKey: string): string {
  return `${prefix}{${entityKey}}`;
}

/** Tenant and entity key of a row key of a project; undefined for a key that {@link rowKey} did not make. */
export function rowKeyParts(
  project: string,
  key: string,
): { readonly tenant: string; readonly entityKey: string } | undefined {
  const from = projectPrefix(project);
  const colon = key.indexOf(":", from.length);
  const entityKey = colon < 0 ? undefined : entityKeyOf(key.slice(0, colon + 1), key);
  if (entityKey === undefined || !key.startsWith(from)) return undefined;
  const segment = key.slice(from.length, colon);
  const tenant = /^(?:[A-Za-z0-9_.-]|%[0-9A-F]{2})+$/.test(segment) ? decoded(segment) : undefined;
  return tenant === undefined ? undefined : { tenant, entityKey };
}

/** Undefined where the bytes are no UTF-8 or were not written by `encodeSegment`. */
function decoded(segment: string): string | undefined {
  try {
    const text = decodeSegment(segment);
    return encodeSegment(text) === segment ? text : undefined;
  } catch {
    return undefined;
  }
}

/** The entity key of a row key; undefined for a key that {@link rowKey} did not make. */
export function entityKeyOf(prefix: string, key: string): string | undefined {
  return key.startsWith(`${prefix}{`) && key.endsWith("}") ? key.slice(prefix.length + 1, -1) : undefined;
}

/** What keys of meta start with. Projects are never empty, so that `l::` starts no row key. */
export const META_ROOT = "l::";

/**
 * The same in Feast's layout: positions of one layout's rows say nothing about the other's. Feast's keys start with a little-endian number, so that
 * none of them, and none of the patterns that Feast scans by, matches.
 */
export const FEAST_META_ROOT = "lf::";

/** The hash of one meta blob. */
export function metaKey(root: string, scope: MetaScope, name: string): string {
  const { project, tenant = "", view = "" } = scope;
  return `${root}${encodeSegment(project)}:${encodeSegment(tenant)}:${encodeSegment(view)}:${encodeSegment(name)}`;
}

/** The hash field of a view: 36 bits of SHA-256 as six characters. It needs no dictionary that an emptied server could lose. */
export function viewField(view: string): string {
  return createHash("sha256").update(view, "utf8").digest("base64url").slice(0, 6);
}

/** The fields of the views met so far; refuses two views that would share one. */
export class ViewFields {
  readonly #fields = new Map<string, string>();
  readonly #views = new Map<string, string>();
  readonly #hash: (view: string) => string;

  constructor(hash: (view: string) => string = viewField) {
    this.#hash = hash;
  }

  /** @throws STORE_MISCONFIGURED naming both views when another view has the same field. */
  fieldOf(view: string): string {
    const known = this.#fields.get(view);
    if (known !== undefined) return known;
    const field = this.#hash(view);
    const holder = this.#views.get(field);
    if (holder !== undefined) {
      throw new LarderError("STORE_MISCONFIGURED", {
        what: `Feature views "${holder}" and "${view}" have the same field "${field}" in Redis`,
        remedy: "Rename one of them",
        facts: { view, field },
      });
    }
    this.#views.set(field, view);
    this.#fields.set(view, field);
    return field;
  }

  /** The view of a field; for one that was not met, a text that is no view's name. */
  viewOf(field: string): string {
    return this.#views.get(field) ?? `field:${field}`;
  }
}
