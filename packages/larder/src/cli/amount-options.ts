import { LarderError, readSize } from "@larder/schema";

const TIMES: Readonly<Record<string, number>> = { "": 1, k: 1e3, K: 1e3, M: 1e6, G: 1e9 };

/** A whole number of an option, such as `16M` or `1.5G`: 1000 based, nothing rounded. @throws USAGE naming the option */
export function countOption(name: string, text: string): number {
  const [, whole = "", part = "", unit = ""] = /^(\d{1,16})(?:\.(\d{1,9}))?([kKMG]?)$/.exec(text) ?? [];
  const exact = BigInt(`${whole}${part}` || "0") * BigInt(TIMES[unit] as number);
  const scale = 10n ** BigInt(part.length);
  const count = Number(exact / scale);
  if (whole !== "" && exact % scale === 0n && count >= 1 && count <= 1e12) return count;
  throw new LarderError("USAGE", {
    what: `${name} is "${text.slice(0, 30)}"`,
    remedy: "Give a whole number from 1 to 1000G, as in 250000, 16M or 1.5G",
    facts: { field: name },
  });
}

/** Bytes of an option such as `16GiB`. @throws USAGE naming the option */
export function sizeOption(name: string, text: string): number {
  const size = readSize(text);
  if (typeof size === "number" && size > 0) return size;
  const { what, remedy } = typeof size === "number" ? { what: "is 0", remedy: "Give more than nothing" } : size;
  throw new LarderError("USAGE", { what: `${name} ${what}`, remedy, facts: { field: name } });
}
