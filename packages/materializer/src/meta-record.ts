import type { Call, MetaScope, OnlineStore } from "@larder/store-core";

/** A JSON value kept in the online store's meta, with the revision a change must name. */
export interface MetaRecord {
  /** undefined when there is none, or when the blob is no JSON. */
  readonly value: unknown;
  readonly revision: string | undefined;
}

/** Reads a JSON blob. */
export async function readRecord(store: OnlineStore, scope: MetaScope, name: string, call: Call): Promise<MetaRecord> {
  const found = await store.getMeta(scope, name, call);
  if (found === undefined) return { value: undefined, revision: undefined };
  return { value: parse(new TextDecoder().decode(found.bytes)), revision: found.revision };
}

/** Writes a JSON blob over the revision that was read; answers the new revision, or undefined when somebody else wrote meanwhile. */
export function writeRecord(
  store: OnlineStore,
  scope: MetaScope,
  name: string,
  value: unknown,
  expected: string | undefined,
  call: Call,
): Promise<string | undefined> {
  return store.putMeta(scope, name, new TextEncoder().encode(JSON.stringify(value)), expected, call);
}

/** The value as an object to look into; undefined for anything else. */
export function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // each reader decides what a blob that is no JSON means
  }
}
