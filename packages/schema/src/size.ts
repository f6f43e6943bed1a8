import { Fault, show } from "./fault.ts";

const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

/** As a pattern for JSON Schema: a whole number and its unit. */
export const SIZE_PATTERN = "^[0-9]+(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$";

const SIZE = new RegExp(SIZE_PATTERN);

/** Bytes of `8MiB` (1024 based) or `200MB` (1000 based). Whole numbers below 2^53. */
export function readSize(text: string): number | Fault {
  const unit = text.length <= 32 ? SIZE.exec(text)?.[1] : undefined;
  if (unit === undefined) {
    return new Fault(
      `is ${show(text)}, not a size`,
      'Write a whole number and a unit (B, kB, MB, GB, KiB, MiB, GiB), as in "200MB"',
    );
  }
  const bytes = Number(text.slice(0, -unit.length)) * BYTES[unit]!;
  return Number.isSafeInteger(bytes) ? bytes : new Fault(`is ${show(text)}, beyond 2^53 bytes`, "Write a smaller size");
}

/** Bytes of a size that the checks have passed. */
export function bytes(size: string | number): number {
  return typeof size === "number" ? size : Number(readSize(size));
}
