import { LarderError } from "@larder/schema";

/** What `--max-rows-per-second` is about, for the help of every verb that has it. */
export const RATE_HELP = "write no more rows than this, to leave the store to others (default: no limit)";

/** Rows per second of an option; undefined where it is not given. @throws USAGE naming the option */
export function rateOption(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const rate = Number(text);
  if (text.trim() !== "" && Number.isFinite(rate) && rate > 0) return rate;
  throw new LarderError("USAGE", {
    what: `${name} ${text} is no rate`,
    remedy: "Give rows per second, more than 0",
    facts: { field: name },
  });
}
