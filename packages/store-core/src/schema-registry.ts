import { type FeatureView, LarderError } from "@larder/schema";
import type { Call } from "./call.ts";
import { createRowEncoder, type RowEncoder } from "./row/row-encoder.ts";
import { layoutOf } from "./row/row-layout.ts";
import { createRowReader, type RowReader } from "./row/row-reader.ts";
import {
  decodeSchema,
  encodeSchema,
  fingerprintName,
  fingerprintOf,
  type RowSchema,
  schemaOf,
} from "./row/row-schema.ts";
import type { RowStore } from "./row-store.ts";

/** How long a schema is trusted to be in the store (a restarted server may have lost it), and how soon an unknown one is looked for again. */
const TRUST_MS = 60_000;
const RETRY_MS = 1_000;

/** Most unknown fingerprints remembered, so that corrupt rows cannot grow the process. */
const MAX_UNKNOWN = 1_000;

/** The schemas of one project: writes its own before a view's first row, reads others' when a row names them. */
export interface SchemaRegistry {
  encoderOf(view: FeatureView): RowEncoder;
  /** Makes sure that the view's schema is in the store. */
  ensureStored(view: FeatureView, call: Call): Promise<void>;
  /** The reader of rows with this fingerprint, or undefined when it is not known in this process (yet). */
  readerOf(view: FeatureView, fingerprint: number): RowReader | undefined;
  /** Looks for fingerprints in the store; those it does not find are not looked for again for a second. */
  load(fingerprints: ReadonlySet<number>, call: Call): Promise<void>;
}

/** @throws STORE_CORRUPT from its methods when a stored schema contradicts its fingerprint. */
export function createSchemaRegistry(project: string, store: Pick<RowStore, "getMeta" | "putMeta">): SchemaRegistry {
  const schemas = new Map<number, RowSchema>();
  const unknown = new Map<number, number>();
  const readers = new WeakMap<FeatureView, Map<number, RowReader>>();
  const own = new WeakMap<FeatureView, OwnSchema>();

  const ownSchema = (view: FeatureView): OwnSchema => {
    let found = own.get(view);
    if (found === undefined) {
      const schema = schemaOf(view);
      const encoded = encodeSchema(schema);
      const fingerprint = fingerprintOf(encoded);
      found = {
        encoded,
        fingerprint,
        encode: createRowEncoder(layoutOf(schema), fingerprint),
        trustedUntil: 0,
      };
      own.set(view, found);
      schemas.set(fingerprint, schema);
    }
    return found;
  };

  const storeOwn = async (mine: OwnSchema, call: Call): Promise<void> => {
    const name = fingerprintName(mine.fingerprint);
    const stored =
      (await store.getMeta({ project }, name, call)) ??
      ((await store.putMeta({ project }, name, mine.encoded, undefined, call)) === undefined
        ? await store.getMeta({ project }, name, call)
        : undefined);
    if (stored !== undefined && Buffer.compare(stored.bytes, mine.encoded) !== 0) {
      throw new LarderError("STORE_CORRUPT", {
        what: `Two row schemas share the fingerprint ${name}`,
        remedy: "Rename a feature of the view, or reset the project's rows",
      });
    }
    mine.trustedUntil = performance.now() + TRUST_MS;
  };

  return {
    encoderOf: (view) => ownSchema(view).encode,

    async ensureStored(view, call) {
      const mine = ownSchema(view);
      // Calls that come at once each see to it: sharing one attempt would end them all when the caller that began it aborts.
      if (performance.now() >= mine.trustedUntil) await storeOwn(mine, call);
    },

    readerOf(view, fingerprint) {
      let known = readers.get(view);
      if (known === undefined) {
        known = new Map();
        readers.set(view, known);
      }
      let reader = known.get(fingerprint);
      if (reader === undefined) {
        ownSchema(view);
        const schema = schemas.get(fingerprint);
        if (schema === undefined) return undefined;
        reader = createRowReader(schema, view);
        known.set(fingerprint, reader);
      }
      return reader;
    },

    async load(fingerprints, call) {
      const now = performance.now();
      const wanted = [...fingerprints].filter((one) => !schemas.has(one) && !((unknown.get(one) ?? 0) > now));
      await Promise.all(
        wanted.map(async (fingerprint) => {
          const stored = await store.getMeta({ project }, fingerprintName(fingerprint), call);
          if (stored !== undefined && fingerprintOf(stored.bytes) === fingerprint) {
            schemas.set(fingerprint, decodeSchema(stored.bytes, fingerprint));
            unknown.delete(fingerprint);
            return;
          }
          if (unknown.size >= MAX_UNKNOWN) unknown.clear();
          unknown.set(fingerprint, now + RETRY_MS);
        }),
      );
    },
  };
}

interface OwnSchema {
  readonly encoded: Uint8Array;
  readonly fingerprint: number;
  readonly encode: RowEncoder;
  trustedUntil: number;
}
