import { Fault, show } from "./fault.ts";

const MICROS: Readonly<Record<string, number>> = {
  us: 1,
  ms: 1_000,
  s: 1_000_000,
  m: 60_000_000,
  h: 3_600_000_000,
  d: 86_400_000_000,
};

/** As a pattern for JSON Schema: a whole number and its unit. */
export const DURATION_PATTERN = "^[0-9]+(us|ms|s|m|h|d)$";

const DURATION = new RegExp(DURATION_PATTERN);

/** Microseconds of `500ms`, `60s`, `30d`; units us, ms, s, m, h, d. Whole numbers below 2^53 microseconds (285 years). */
export function readDuration(text: string): number | Fault {
  const unit = text.length <= 32 ? DURATION.exec(text)?.[1] : undefined;
  if (unit === undefined) {
    return new Fault(
      `is ${show(text)}, not a duration`,
      'Write a whole number and a unit (us, ms, s, m, h, d), as in "30d"',
    );
  }
  const micros = Number(text.slice(0, -unit.length)) * MICROS[unit]!;
  if (Number.isSafeInteger(micros)) return micros;
  return new Fault(`is ${show(text)}, beyond 285 years`, "Write a shorter duration");
}

/** The shortest text of a duration in microseconds, for messages: `90000000` is `90s`. */
export function formatDuration(micros: number): string {
  const units = Object.entries(MICROS).toReversed();
  const [unit, size] = units.find(([, each]) => micros % each === 0 && micros !== 0) ?? ["s", MICROS["s"]!];
  return `${micros / size}${unit}`;
}
