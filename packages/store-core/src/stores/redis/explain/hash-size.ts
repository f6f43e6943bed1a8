/** What `malloc` really hands out for so many bytes. */
export type Allocated = (bytes: number) => number;

/** Lengths of a hash's field name and value. */
export interface FieldLengths {
  readonly name: number;
  readonly value: number;
}

const OBJECT = 16;
const DICT = 56;
const DICT_ENTRY = 24;
const POINTER = 8;

/**
 * Size classes of jemalloc (jemalloc.net, "Implementation notes: size classes"): multiples of the quantum up to eight of them, then four classes to
 * each doubling. The quantum is 8 in Redis's own builds (deps/Makefile, --with-lg-quantum=3) and 16 in a distribution's jemalloc.
 */
export function jemallocClasses(quantum: number): Allocated {
  return (bytes) => {
    if (bytes <= 8) return 8;
    if (bytes <= 8 * quantum) return Math.ceil(bytes / quantum) * quantum;
    const step = 2 ** (Math.ceil(Math.log2(bytes)) - 3);
    return Math.ceil(bytes / step) * step;
  };
}

/** glibc's malloc on 64 bits: chunks of 16 bytes with 8 of overhead, at least 24 to use. */
export const glibcClasses: Allocated = (bytes) => Math.max(24, Math.ceil((bytes + 8) / 16) * 16 - 8);

/** The smallest power of two that is at least `count`: how many slots Redis's dict has for so many entries (dict.c). At least 4. */
export function slotsFor(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(4, count)));
}

/** A hash as one listpack (listpack.c): a header of 6 bytes and an end, per element its length, its bytes and its length again. */
export function listpackHash(fields: readonly FieldLengths[], allocated: Allocated): number {
  const bytes = fields.reduce((sum, { name, value }) => sum + listpackEntry(name) + listpackEntry(value), 7);
  return allocated(OBJECT) + allocated(bytes);
}

/** A hash as a table (dict.c, sds.c): two strings and an entry per field. */
export function tableHash(fields: readonly FieldLengths[], allocated: Allocated): number {
  const table = allocated(OBJECT) + allocated(DICT) + allocated(slotsFor(fields.length) * POINTER);
  return fields.reduce(
    (sum, { name, value }) => sum + allocated(DICT_ENTRY) + stringSize(name, allocated) + stringSize(value, allocated),
    table,
  );
}

/** What MEMORY USAGE leaves out of a table: it adds up the sizes asked for where it does not know what was handed out (object.c). */
export function tableRounding(fields: number, allocated: Allocated): number {
  const slots = slotsFor(fields) * POINTER;
  return fields * rounding(DICT_ENTRY, allocated) + rounding(DICT, allocated) + rounding(slots, allocated);
}

/** What the allocator adds to one allocation. */
export function rounding(bytes: number, allocated: Allocated): number {
  return allocated(bytes) - bytes;
}

/** A value of type string, up to 44 bytes in one piece with its object (object.c). */
export function stringValue(length: number, allocated: Allocated): number {
  return length <= 44 ? allocated(OBJECT + 4 + length) : allocated(OBJECT) + stringSize(length, allocated);
}

/** A string by itself (sds.c): its bytes, a header that grows with its length, a NUL. */
export function stringSize(length: number, allocated: Allocated): number {
  const header = length < 32 ? 1 : length < 256 ? 3 : length < 65_536 ? 5 : 9;
  return allocated(length + header + 1);
}

/** Bytes of one listpack element that is text. */
export function listpackEntry(length: number): number {
  const body = length + (length < 64 ? 1 : length < 4096 ? 2 : 5);
  return body + (body < 128 ? 1 : body < 16_383 ? 2 : body < 2_097_151 ? 3 : 4);
}
