import { LarderError } from "@larder/schema";
import type { RowGet, RowGroup, RowSlices } from "../../row-store.ts";
import { isFailure, type RedisConnection, type Reply, type ReplyFailure, type Wait } from "./connection.ts";
import { rowKey } from "./redis-keys.ts";
import { gather, run, type ScriptRun } from "./scripts.ts";
import type { RedisCommand } from "./wire-command.ts";

/** Rows that one run of the gather script reads at most: about 0.55 ms of Redis's one thread. */
const MAX_CELLS = 1_000;

/** How a read is done. */
export interface ReadOptions {
  /** What the tenant's row keys start with. */
  readonly prefix: string;
  readonly fieldOf: (view: string) => string;
  /** `script`: the server gathers the rows into one blob, which costs it more and the client far less. `pipeline`: a command per entity. */
  readonly gather: "script" | "pipeline";
}

/** Reads entity keys x views in one round trip, whatever their number. A key that holds another type than a hash has empty cells. */
export async function readRows(
  connection: RedisConnection,
  request: RowGet,
  options: ReadOptions,
  wait: Wait,
): Promise<RowSlices> {
  const parts: Part[] = [];
  let cells = 0;
  for (const group of request.groups) {
    addParts(parts, group, cells, options);
    cells += group.views.length * group.entityKeys.length;
  }
  const slices = {
    buffers: new Array<Uint8Array | undefined>(cells).fill(undefined),
    offsets: new Int32Array(cells),
    lengths: new Int32Array(cells).fill(-1),
  };
  if (parts.length === 0) return slices;
  const replies = await run(
    connection,
    parts.map((part) => part.step),
    wait,
  );
  for (const [index, part] of parts.entries()) decode(part, replies[index] as Reply | ReplyFailure, slices);
  return slices;
}

/** One step of a read and the cells it fills. */
interface Part {
  readonly step: RedisCommand | ScriptRun;
  readonly firstCell: number;
  readonly entities: number;
  readonly views: number;
}

type Slices = {
  readonly [K in keyof RowSlices]: RowSlices[K] extends Int32Array ? Int32Array : (Uint8Array | undefined)[];
};

function addParts(parts: Part[], group: RowGroup, firstCell: number, options: ReadOptions): void {
  const { views, entityKeys } = group;
  if (views.length === 0) return;
  const fields = views.map(options.fieldOf);
  const size = options.gather === "pipeline" ? 1 : Math.max(1, Math.floor(MAX_CELLS / views.length));
  for (let start = 0; start < entityKeys.length; start += size) {
    const entities = Math.min(size, entityKeys.length - start);
    const keys: string[] = new Array(entities);
    for (let i = 0; i < entities; i++) keys[i] = rowKey(options.prefix, entityKeys[start + i] as string);
    // For one entity the plain command costs the same and needs no script.
    const step: Part["step"] = entities === 1 ? ["HMGET", [keys, fields]] : { script: gather, keys, args: fields };
    parts.push({ step, firstCell: firstCell + start * views.length, entities, views: views.length });
  }
}

const NOTHING = new Uint8Array(0);

function decode(part: Part, reply: Reply | ReplyFailure, slices: Slices): void {
  if (isFailure(reply)) {
    // Only HMGET says so itself; the script answers empty cells.
    if (reply.code !== "WRONGTYPE" || part.entities !== 1) throw reply.error;
    slices.buffers.fill(NOTHING, part.firstCell, part.firstCell + part.views);
    slices.lengths.fill(0, part.firstCell, part.firstCell + part.views);
  } else if (part.entities === 1) {
    decodeValues(part, reply, slices);
  } else {
    decodeBlob(part, reply, slices);
  }
}

function decodeValues(part: Part, reply: Reply, slices: Slices): void {
  if (!Array.isArray(reply) || reply.length !== part.views) throw unexpected();
  for (const [view, row] of reply.entries()) {
    if (row === null) continue;
    if (!Buffer.isBuffer(row)) throw unexpected();
    slices.buffers[part.firstCell + view] = row;
    slices.lengths[part.firstCell + view] = row.length;
  }
}

/**
 * Finds the rows in the gather script's reply: MessagePack of nested arrays with strings and false (github.com/msgpack/msgpack, spec.md). The
 * rows stay where they are.
 */
function decodeBlob({ firstCell, entities, views }: Part, blob: Reply, { buffers, offsets, lengths }: Slices): void {
  if (!Buffer.isBuffer(blob)) throw unexpected();
  let at = skipArray(blob, 0, entities);
  const end = firstCell + entities * views;
  for (let cell = firstCell; cell < end; ) {
    if (views > 1) at = skipArray(blob, at, views);
    for (const stop = cell + views; cell < stop; cell++) {
      const tag = blob[at++] as number;
      if (tag === 0xc2) continue;
      let length: number;
      if ((tag & 0xe0) === 0xa0) {
        length = tag & 0x1f;
      } else if (tag === 0xd9) {
        length = blob.readUInt8(at);
        at += 1;
      } else if (tag === 0xda) {
        length = blob.readUInt16BE(at);
        at += 2;
      } else if (tag === 0xdb) {
        length = blob.readUInt32BE(at);
        at += 4;
      } else {
        throw unexpected();
      }
      buffers[cell] = blob;
      offsets[cell] = at;
      lengths[cell] = length;
      at += length;
    }
  }
  if (at !== blob.length) throw unexpected();
}

function skipArray(blob: Buffer, at: number, length: number): number {
  const tag = blob[at] as number;
  if (length < 16 ? tag === (0x90 | length) : tag === 0xdc && blob.readUInt16BE(at + 1) === length) {
    return at + (length < 16 ? 1 : 3);
  }
  throw unexpected();
}

function unexpected(): LarderError {
  return new LarderError("INTERNAL", {
    what: "Redis answered a read in another form than Larder's script gives",
    remedy: "Check that online_store.connection_string names a real Redis or Valkey server, 7.0 or newer",
  });
}
