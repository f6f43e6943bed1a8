import { createHash } from "node:crypto";
import type { FeatureView, KeyType, ValueType } from "@larder/schema";
import { LarderError } from "@larder/schema";
import { sortedJoinKeys } from "../keys/entity-key.ts";

/**
 * What a packed row was written with. It lives in the store's meta, found by its fingerprint, so that a process with other definitions still
 * decodes the row. Immutable once stored.
 */
export interface RowSchema {
  readonly view: string;
  /** Sorted by name. */
  readonly joinKeys: readonly { readonly name: string; readonly type: KeyType }[];
  /** In the order of the packed row. */
  readonly features: readonly { readonly name: string; readonly type: ValueType }[];
}

/** The schema a view writes with. */
export function schemaOf(view: FeatureView): RowSchema {
  return {
    view: view.name,
    joinKeys: sortedJoinKeys(view).map(({ name, type }) => ({ name, type })),
    features: view.features.map(({ name, type }) => ({ name, type })),
  };
}

type Stored = [string, [string, KeyType][], [string, ValueType][]];

/** The canonical bytes of a schema, as stored. */
export function encodeSchema(schema: RowSchema): Uint8Array {
  return Buffer.from(JSON.stringify([schema.view, pairs(schema.joinKeys), pairs(schema.features)]), "utf8");
}

/** @throws STORE_CORRUPT when the bytes are not a schema. */
export function decodeSchema(bytes: Uint8Array, fingerprint: number): RowSchema {
  try {
    const [view, joinKeys, features] = JSON.parse(Buffer.from(bytes).toString("utf8")) as Stored;
    return {
      view,
      joinKeys: joinKeys.map(([name, type]) => ({ name, type })),
      features: features.map(([name, type]) => ({ name, type })),
    };
  } catch (cause) {
    throw new LarderError("STORE_CORRUPT", {
      what: `The row schema ${fingerprintName(fingerprint)} in the store cannot be read`,
      remedy: "Reset the project's rows and materialize them again",
      cause,
    });
  }
}

/** First four bytes of the SHA-256 of {@link encodeSchema}, as an unsigned 32-bit number. */
export function fingerprintOf(encoded: Uint8Array): number {
  return createHash("sha256").update(encoded).digest().readUInt32BE(0);
}

/** Name of a schema's meta entry. */
export function fingerprintName(fingerprint: number): string {
  return `schema-${fingerprint.toString(16).padStart(8, "0")}`;
}

/** True when rows written with `a` mean the same entity as rows of `b`. */
export function sameEntity(a: RowSchema, b: RowSchema): boolean {
  return a.view === b.view && JSON.stringify(pairs(a.joinKeys)) === JSON.stringify(pairs(b.joinKeys));
}

function pairs(items: readonly { readonly name: string; readonly type: string }[]): [string, string][] {
  return items.map(({ name, type }) => [name, type]);
}
