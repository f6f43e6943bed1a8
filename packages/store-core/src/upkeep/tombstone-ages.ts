import { createHash } from "node:crypto";
import type { Call } from "../call.ts";
import type { PagedRow, RowStore } from "../row-store.ts";

/**
 * Since when sweeps have seen tombstones. In a view without TTL a tombstone lives for its retention from when it was written, which its bytes do not
 * tell; so a sweep notes when it first saw each, and a later one finds that the retention is over. That is never too early.
 */
export interface TombstoneAges {
  /** Microseconds since a sweep first saw this very tombstone; 0 the first time. */
  seenFor(row: PagedRow, call: Call): Promise<number>;
  /** Forgets what a whole walk that began at `started` did not see: those tombstones are gone. */
  endWalk(started: number): void;
  save(call: Call): Promise<void>;
}

/** Most tombstones that are noted per view and tenant, 24 bytes each; the others wait until there is room. */
const MAX_NOTED = 40_000;

const META_NAME = "tombstones";

/** Hash of entity key and bytes, first and last seen (microseconds, doubles). */
const ENTRY_BYTES = 24;

interface Noted {
  readonly first: number;
  readonly last: number;
}

interface Notes {
  readonly tenant: string;
  readonly view: string;
  readonly noted: Map<bigint, Noted>;
  revision: string | undefined;
  changed: boolean;
}

/** Notes are read when the first tombstone of their view and tenant is met. */
export function openTombstoneAges(parts: {
  readonly rowStore: Pick<RowStore, "getMeta" | "putMeta" | "deleteMeta">;
  readonly project: string;
  readonly now: number;
}): TombstoneAges {
  const { rowStore, project, now } = parts;
  const all = new Map<string, Notes>();
  const scopeOf = ({ tenant, view }: Pick<Notes, "tenant" | "view">) => ({ project, tenant, view });

  const notesOf = async (tenant: string, view: string, call: Call): Promise<Notes> => {
    const id = JSON.stringify([tenant, view]);
    const known = all.get(id);
    if (known !== undefined) return known;
    const found = await rowStore.getMeta(scopeOf({ tenant, view }), META_NAME, call);
    const noted = found === undefined ? new Map() : decode(found.bytes);
    const notes = { tenant, view, noted, revision: found?.revision, changed: false };
    all.set(id, notes);
    return notes;
  };

  return {
    async seenFor(row, call) {
      const notes = await notesOf(row.tenant, row.view, call);
      const id = createHash("sha256").update(row.entityKey).update("\0").update(row.bytes).digest().readBigUInt64BE();
      const known = notes.noted.get(id);
      if (known === undefined && notes.noted.size >= MAX_NOTED) return 0;
      notes.noted.set(id, { first: known?.first ?? now, last: now });
      notes.changed = true;
      return now - (known?.first ?? now);
    },

    endWalk(started) {
      for (const notes of all.values()) {
        for (const [id, { last }] of notes.noted) {
          if (last < started && notes.noted.delete(id)) notes.changed = true;
        }
      }
    },

    async save(call) {
      for (const notes of all.values()) {
        if (!notes.changed) continue;
        // On a conflict another sweep's notes stay: what they lack is noted again by the next.
        const revision = await rowStore.putMeta(scopeOf(notes), META_NAME, encode(notes.noted), notes.revision, call);
        notes.revision = revision ?? notes.revision;
        notes.changed = false;
      }
    },
  };
}

function encode(noted: ReadonlyMap<bigint, Noted>): Buffer {
  const bytes = Buffer.alloc(noted.size * ENTRY_BYTES);
  let at = 0;
  for (const [id, { first, last }] of noted) {
    bytes.writeBigUInt64BE(id, at);
    bytes.writeDoubleBE(first, at + 8);
    bytes.writeDoubleBE(last, at + 16);
    at += ENTRY_BYTES;
  }
  return bytes;
}

function decode(stored: Uint8Array): Map<bigint, Noted> {
  const bytes = Buffer.from(stored);
  const noted = new Map<bigint, Noted>();
  for (let at = 0; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
    noted.set(bytes.readBigUInt64BE(at), { first: bytes.readDoubleBE(at + 8), last: bytes.readDoubleBE(at + 16) });
  }
  return noted;
}
