import { hash } from "node:crypto";
import type { FeatureView } from "@larder/schema";
import { sortedJoinKeys } from "../keys/entity-key.ts";

/** What is erased of one tenant, as far as it is known. It holds hashes only: nobody can read from it whose rows were erased. */
export interface ErasedEntities {
  /** Number of erasures that are remembered. */
  readonly count: number;
  /**
   * The time (microseconds) of the latest erasure that covers an entity of a view: of all of its join keys, or of some of them. A row of that
   * entity with an event time up to it is forgotten; a later one is a new life. undefined: none covers it.
   */
  erasedAt(view: FeatureView, entityKey: string): number | undefined;
}

/** Bytes of a marker. */
export const MARKER_BYTES = 16;

/**
 * The marker of an erased entity: HMAC-SHA256 over tenant, join-key names and values in their text form, cut to 16 bytes, as latin1 text.
 * @param names sorted as {@link sortedJoinKeys} sorts; `parts[i]` is the encoded value of `names[i]`
 */
export function markerOf(salt: Uint8Array, tenant: string, names: readonly string[], parts: readonly string[]): string {
  return hmac(salt, JSON.stringify([tenant, names, parts])).toString("latin1", 0, MARKER_BYTES);
}

/** HMAC-SHA256 as RFC 2104 has it, by one-shot hashes: several times faster than a hash object per row. The key is at most a block long. */
export function hmac(key: Uint8Array, text: string): Buffer {
  const inner = hash("sha256", Buffer.concat([padded(key, 0x36), Buffer.from(text, "utf8")]), "buffer");
  return hash("sha256", Buffer.concat([padded(key, 0x5c), inner]), "buffer");
}

const BLOCK_BYTES = 64;

function padded(key: Uint8Array, pad: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES, pad);
  for (let i = 0; i < key.length; i++) block[i] = (key[i] as number) ^ pad;
  return block;
}

/** Nothing is erased. */
export const NOTHING_ERASED: ErasedEntities = { count: 0, erasedAt: () => undefined };

/** What {@link createErasedEntities} needs. */
export interface ErasedEntitiesParts {
  readonly tenant: string;
  readonly salt: Uint8Array;
  /** Every list of join-key names that an erasure was asked for by. */
  readonly keySets: readonly (readonly string[])[];
  /** Marker -> time, in parts that together are all. */
  readonly markers: readonly ReadonlyMap<string, number>[];
}

/** Makes the markers of a tenant answer for entity keys. */
export function createErasedEntities({ tenant, salt, keySets, markers }: ErasedEntitiesParts): ErasedEntities {
  const compiled = new WeakMap<FeatureView, readonly CompiledKeySet[]>();
  const keySetsOf = (view: FeatureView): readonly CompiledKeySet[] => {
    let found = compiled.get(view);
    if (found === undefined) {
      const order = sortedJoinKeys(view).map(({ name }) => name);
      found = keySets
        .map((names) => ({ names, positions: names.map((name) => order.indexOf(name)) }))
        .filter(({ positions }) => !positions.includes(-1));
      compiled.set(view, found);
    }
    return found;
  };
  return {
    count: markers.reduce((sum, { size }) => sum + size, 0),
    erasedAt: (view, entityKey) => {
      const sets = keySetsOf(view);
      if (sets.length === 0) return undefined;
      const parts = entityKey.split(",");
      let latest: number | undefined;
      for (const { names, positions } of sets) {
        const marker = markerOf(
          salt,
          tenant,
          names,
          positions.map((position) => parts[position] as string),
        );
        for (const part of markers) {
          const time = part.get(marker);
          if (time !== undefined && time > (latest ?? Number.NEGATIVE_INFINITY)) latest = time;
        }
      }
      return latest;
    },
  };
}

interface CompiledKeySet {
  readonly names: readonly string[];
  /** Where the parts of `names` stand in an entity key of the view. */
  readonly positions: readonly number[];
}
