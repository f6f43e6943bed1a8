import { LarderError, readDuration } from "@larder/schema";

/** Microseconds of an option such as `6h`. @throws USAGE naming the option */
export function durationOption(name: string, text: string): number {
  const duration = readDuration(text);
  if (typeof duration === "number") return duration;
  const { what, remedy } = duration;
  throw new LarderError("USAGE", { what: `${name} ${what}`, remedy, facts: { field: name } });
}
