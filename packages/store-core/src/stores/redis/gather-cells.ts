import { LarderError } from "@larder/schema";
import type { RowSlices } from "../../row-store.ts";
import { isFailure, type RedisConnection, type Reply, type ReplyFailure, type Wait } from "./connection.ts";
import { gather, run, type ScriptRun } from "./scripts.ts";
import type { RedisCommand } from "./wire-command.ts";

/** Cells that one run of the gather script reads at most: about 0.55 ms of Redis's one thread. */
const MAX_CELLS = 1_000;

/** Hashes, in all of which the same fields are read. */
export interface CellGroup {
  readonly keys: readonly (string | Buffer)[];
  readonly fields: readonly (string | Buffer)[];
}

/**
 * How cells are read. `script`: the server gathers them into one blob, which costs it more and the client far less. `pipeline`: a command per
 * hash.
 */
export type Gather = "script" | "pipeline";

/** The buffer of a cell whose key holds another type than a hash; it is empty. */
export const NOT_A_HASH = new Uint8Array(0);

/** Reads hashes x fields in one round trip, whatever their number. Cell order: group by group, key by key, field by field. */
export async function gatherCells(
  connection: RedisConnection,
  groups: readonly CellGroup[],
  how: Gather,
  wait: Wait,
): Promise<RowSlices> {
  const parts: Part[] = [];
  let cells = 0;
  for (const group of groups) {
    addParts(parts, group, cells, how);
    cells += group.keys.length * group.fields.length;
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
  readonly keys: number;
  readonly fields: number;
}

type Slices = {
  readonly [K in keyof RowSlices]: RowSlices[K] extends Int32Array ? Int32Array : (Uint8Array | undefined)[];
};

function addParts(parts: Part[], { keys, fields }: CellGroup, firstCell: number, how: Gather): void {
  if (fields.length === 0) return;
  const size = how === "pipeline" ? 1 : Math.max(1, Math.floor(MAX_CELLS / fields.length));
  for (let start = 0; start < keys.length; start += size) {
    const some = keys.length <= size ? keys : keys.slice(start, start + size);
    // For one hash the plain command costs the same and needs no script.
    const step: Part["step"] =
      some.length === 1 ? ["HMGET", [some, fields]] : { script: gather, keys: some, args: fields };
    parts.push({ step, firstCell: firstCell + start * fields.length, keys: some.length, fields: fields.length });
  }
}

function decode(part: Part, reply: Reply | ReplyFailure, slices: Slices): void {
  if (isFailure(reply)) {
    // Only HMGET says so itself; the script marks its cells.
    if (reply.code !== "WRONGTYPE" || part.keys !== 1) throw reply.error;
    slices.buffers.fill(NOT_A_HASH, part.firstCell, part.firstCell + part.fields);
    slices.lengths.fill(0, part.firstCell, part.firstCell + part.fields);
  } else if (part.keys === 1) {
    decodeValues(part, reply, slices);
  } else {
    decodeBlob(part, reply, slices);
  }
}

function decodeValues(part: Part, reply: Reply, slices: Slices): void {
  if (!Array.isArray(reply) || reply.length !== part.fields) throw unexpected();
  for (const [field, cell] of reply.entries()) {
    if (cell === null) continue;
    if (!Buffer.isBuffer(cell)) throw unexpected();
    slices.buffers[part.firstCell + field] = cell;
    slices.lengths[part.firstCell + field] = cell.length;
  }
}

/**
 * Finds the cells in the gather script's reply: MessagePack of nested arrays with strings, false and true (github.com/msgpack/msgpack, spec.md).
 * Their bytes stay where they are.
 */
function decodeBlob({ firstCell, keys, fields }: Part, blob: Reply, { buffers, offsets, lengths }: Slices): void {
  if (!Buffer.isBuffer(blob)) throw unexpected();
  let at = skipArray(blob, 0, keys);
  const end = firstCell + keys * fields;
  for (let cell = firstCell; cell < end; ) {
    if (fields > 1) at = skipArray(blob, at, fields);
    for (const stop = cell + fields; cell < stop; cell++) {
      const tag = blob[at++] as number;
      if (tag === 0xc2) continue;
      if (tag === 0xc3) {
        buffers[cell] = NOT_A_HASH;
        lengths[cell] = 0;
        continue;
      }
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
