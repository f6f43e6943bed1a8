import { randomBytes } from "node:crypto";
import { LarderError } from "@larder/schema";
import type { Call } from "../call.ts";
import type { OnlineStore } from "../online-store.ts";
import {
  createErasedEntities,
  type ErasedEntities,
  MARKER_BYTES,
  markerOf,
  NOTHING_ERASED,
} from "./erased-entities.ts";

/**
 * Markers in a store's meta, per (project, tenant): an index, small enough to be read once a second, and segments of markers that only grow. The
 * index tells which segments changed, and holds the salt and the lists of join-key names that erasures were asked for by.
 */

/** Name of the index blob. */
export const ERASURE_INDEX = "erasures";

/** Markers of one segment: 48 KiB. */
const SEGMENT_MARKERS = 2_048;

/** Segments of one tenant: a million erased entities, which every process that writes for the tenant holds in memory (about 100 MB). */
const MAX_SEGMENTS = 512;

const FORMAT = 1;
const SALT_BYTES = 32;
const ENTRY_BYTES = MARKER_BYTES + 8;

/** Where somebody else's change is met, the record is read and changed again; more often than this is no coincidence. */
const ATTEMPTS = 20;

/** What is needed to read. */
export type ErasureReader = Pick<OnlineStore, "getMeta">;

/** Whose markers. */
export interface ErasureScope {
  readonly project: string;
  readonly tenant: string;
}

/** The markers of a tenant as they were read, to be compared with at the next reading. */
export interface ErasureRecord {
  readonly erased: ErasedEntities;
  readonly revision: string | undefined;
  readonly index: ErasureIndex | undefined;
  readonly segments: readonly ReadonlyMap<string, number>[];
}

/** The stored form of the index. */
interface ErasureIndex {
  readonly format: typeof FORMAT;
  /** Base64. */
  readonly salt: string;
  readonly keySets: readonly (readonly string[])[];
  /** Per segment a number that grows with each of its changes. */
  readonly segments: readonly number[];
}

/** A tenant of which nothing is known yet. */
export const NO_RECORD: ErasureRecord = {
  erased: NOTHING_ERASED,
  revision: undefined,
  index: undefined,
  segments: [],
};

/** Reads what is erased, and of that only what is not in `known`; answers `known` itself when nothing changed. @throws STORE_CORRUPT, STORE_FORMAT_NEWER */
export async function readErasures(
  store: ErasureReader,
  scope: ErasureScope,
  known: ErasureRecord,
  call: Call,
): Promise<ErasureRecord> {
  const found = await store.getMeta(scope, ERASURE_INDEX, call);
  if (found?.revision === known.revision) return known;
  if (found === undefined) return NO_RECORD;
  const index = decodeIndex(found.bytes, scope);
  const sameSalt = known.index?.salt === index.salt;
  const segments = await Promise.all(
    index.segments.map(async (version, i) => {
      const have = sameSalt && known.index?.segments[i] === version ? known.segments[i] : undefined;
      return have ?? (await readSegment(store, scope, i, call))?.markers ?? missing(scope, i);
    }),
  );
  const salt = Buffer.from(index.salt, "base64");
  const erased = createErasedEntities({ tenant: scope.tenant, salt, keySets: index.keySets, markers: segments });
  return { erased, revision: found.revision, index, segments };
}

/** Reads all that is erased of a tenant, for one look. @throws as {@link readErasures} */
export async function readErased(store: ErasureReader, scope: ErasureScope, call: Call): Promise<ErasedEntities> {
  return (await readErasures(store, scope, NO_RECORD, call)).erased;
}

/** An entity to be marked: join-key names, sorted as keys are, and the encoded value of each. */
export interface MarkedEntity {
  readonly names: readonly string[];
  readonly parts: readonly string[];
}

/**
 * Marks an entity as erased up to `time`, and answers its marker. A marker that is there already moves to the later time. Safe to repeat; markers of
 * several callers at once all stay.
 * @throws STORE_CONFLICT, STORE_CORRUPT, UNSUPPORTED when a million are remembered already
 */
export async function putMarker(
  store: Pick<OnlineStore, "getMeta" | "putMeta">,
  scope: ErasureScope,
  entity: MarkedEntity,
  time: number,
  call: Call,
): Promise<string> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const record = await withIndex(store, scope, call);
    if (record?.index === undefined) continue;
    const { index, segments } = record;
    const marker = markerOf(Buffer.from(index.salt, "base64"), scope.tenant, entity.names, entity.parts);
    const at = segmentFor(marker, segments, scope);
    if (!(await putIntoSegment(store, scope, at, marker, time, call))) continue;
    const next: ErasureIndex = {
      ...index,
      keySets: withKeySet(index.keySets, entity.names),
      segments: Object.assign([...index.segments], { [at]: (index.segments[at] ?? 0) + 1 }),
    };
    if ((await putIndex(store, scope, next, record.revision, call)) !== undefined) return marker;
  }
  throw new LarderError("STORE_CONFLICT", {
    what: `The erasures of tenant "${scope.tenant}" changed at each of ${ATTEMPTS} attempts to add one`,
    remedy: "Run it again",
    facts: { tenant: scope.tenant },
  });
}

/** The record with an index, which is made where there is none; undefined when somebody else was quicker. */
async function withIndex(
  store: Pick<OnlineStore, "getMeta" | "putMeta">,
  scope: ErasureScope,
  call: Call,
): Promise<ErasureRecord | undefined> {
  const record = await readErasures(store, scope, NO_RECORD, call);
  if (record.index !== undefined) return record;
  const salt = randomBytes(SALT_BYTES).toString("base64");
  const index: ErasureIndex = { format: FORMAT, salt, keySets: [], segments: [] };
  const revision = await putIndex(store, scope, index, undefined, call);
  return revision === undefined ? undefined : { ...NO_RECORD, index, revision };
}

function putIndex(
  store: Pick<OnlineStore, "putMeta">,
  scope: ErasureScope,
  index: ErasureIndex,
  expected: string | undefined,
  call: Call,
): Promise<string | undefined> {
  return store.putMeta(scope, ERASURE_INDEX, new TextEncoder().encode(JSON.stringify(index)), expected, call);
}

function withKeySet(keySets: ErasureIndex["keySets"], names: readonly string[]): ErasureIndex["keySets"] {
  const text = JSON.stringify(names);
  return keySets.some((one) => JSON.stringify(one) === text) ? keySets : [...keySets, names];
}

/** The segment that has the marker, or the one that takes it. */
function segmentFor(marker: string, segments: ErasureRecord["segments"], { tenant }: ErasureScope): number {
  const holder = segments.findIndex((segment) => segment.has(marker));
  if (holder !== -1) return holder;
  const last = segments.at(-1);
  const at = last === undefined || last.size >= SEGMENT_MARKERS ? segments.length : segments.length - 1;
  if (at < MAX_SEGMENTS) return at;
  throw new LarderError("UNSUPPORTED", {
    what: `Tenant "${tenant}" has ${SEGMENT_MARKERS * MAX_SEGMENTS} erased entities, the most that are remembered`,
    remedy: "Move the tenant's remaining rows to a project of their own",
    facts: { tenant },
  });
}

/** False when somebody else changed the segment at the same time. */
async function putIntoSegment(
  store: Pick<OnlineStore, "getMeta" | "putMeta">,
  scope: ErasureScope,
  at: number,
  marker: string,
  time: number,
  call: Call,
): Promise<boolean> {
  const found = await readSegment(store, scope, at, call);
  const markers = new Map(found?.markers ?? []);
  const before = markers.get(marker);
  // Already there: the index may not tell of it yet, if whoever wrote it was stopped in between.
  if (before !== undefined && before >= time) return true;
  // A segment that the index does not tell of yet may have been filled by others meanwhile.
  if (before === undefined && markers.size >= SEGMENT_MARKERS) return false;
  markers.set(marker, time);
  const revision = await store.putMeta(scope, segmentName(at), encodeSegmentMarkers(markers), found?.revision, call);
  return revision !== undefined;
}

async function readSegment(store: ErasureReader, scope: ErasureScope, at: number, call: Call) {
  const found = await store.getMeta(scope, segmentName(at), call);
  if (found === undefined) return undefined;
  return { markers: decodeSegmentMarkers(found.bytes, scope), revision: found.revision };
}

function segmentName(at: number): string {
  return `${ERASURE_INDEX}-${at}`;
}

function encodeSegmentMarkers(markers: ReadonlyMap<string, number>): Uint8Array {
  const bytes = Buffer.alloc(markers.size * ENTRY_BYTES);
  let at = 0;
  for (const [marker, time] of markers) {
    bytes.write(marker, at, "latin1");
    bytes.writeDoubleBE(time, at + MARKER_BYTES);
    at += ENTRY_BYTES;
  }
  return bytes;
}

function decodeSegmentMarkers(bytes: Uint8Array, scope: ErasureScope): ReadonlyMap<string, number> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length % ENTRY_BYTES !== 0) throw corrupt(scope, undefined);
  const markers = new Map<string, number>();
  for (let at = 0; at < buffer.length; at += ENTRY_BYTES) {
    markers.set(buffer.toString("latin1", at, at + MARKER_BYTES), buffer.readDoubleBE(at + MARKER_BYTES));
  }
  return markers;
}

function decodeIndex(bytes: Uint8Array, scope: ErasureScope): ErasureIndex {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw corrupt(scope, cause);
  }
  if (isIndex(value)) return value;
  const format: unknown = Reflect.get(Object(value), "format");
  if (typeof format !== "number" || format <= FORMAT) throw corrupt(scope, undefined);
  throw new LarderError("STORE_FORMAT_NEWER", {
    what: `The erasures of tenant "${scope.tenant}" have format ${format}, this Larder knows ${FORMAT}`,
    remedy: "Upgrade Larder",
    facts: { format },
  });
}

function isIndex(value: unknown): value is ErasureIndex {
  if (typeof value !== "object" || value === null) return false;
  const { format, salt, keySets, segments } = value as Partial<Record<keyof ErasureIndex, unknown>>;
  const names = (list: unknown) => Array.isArray(list) && list.every((name) => typeof name === "string");
  return (
    format === FORMAT &&
    typeof salt === "string" &&
    Array.isArray(keySets) &&
    keySets.every(names) &&
    Array.isArray(segments) &&
    segments.every((version) => Number.isSafeInteger(version))
  );
}

function missing(scope: ErasureScope, segment: number): never {
  throw corrupt(scope, `segment ${segment} is missing`);
}

/** Nothing is written for the tenant then: rows of somebody who was erased could come back. */
function corrupt({ project, tenant }: ErasureScope, cause: unknown): LarderError {
  return new LarderError("STORE_CORRUPT", {
    what: `The erasures of tenant "${tenant}" of project "${project}" in the online store cannot be read`,
    remedy: "Restore the store's meta from a backup; until then nothing is written for this tenant",
    facts: { project, tenant },
    cause,
  });
}
