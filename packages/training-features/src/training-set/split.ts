import { LarderError, parseTime } from "@larder/schema";
import { timeText } from "../lint/lint-context.ts";
import { bigintLiteral, quoteText } from "../offline/sql-text.ts";
import type { StatementRunner } from "../offline/statement-runner.ts";
import type { EntityRows } from "./entity-rows.ts";

/** Name of the column that says which part of the split a row is in. */
export const SPLIT_COLUMN = "split";

/** A part of a split. `validation` is there where two shares or times are given. */
export type SplitPart = "train" | "validation" | "test";

/** A split as it was asked for. */
export type SplitSpec =
  | { readonly by: "time"; readonly shares: readonly bigint[] }
  | { readonly by: "time"; readonly cuts: readonly bigint[] }
  | { readonly by: "entity"; readonly shares: readonly bigint[]; readonly seed: string };

/** A split of entity rows that are loaded. */
export interface MadeSplit {
  /** As it was asked for, see {@link parseSplit}. */
  readonly how: string;
  /** SQL of a row's part over `entity_rows`; null for a row without time, or without whole join keys. */
  readonly sql: string;
  /** First moments of the parts after `train`, in microseconds; undefined for a split by entity. */
  readonly cuts: readonly bigint[] | undefined;
  /** Rows by part, in order; none is empty. */
  readonly rows: Readonly<Partial<Record<SplitPart, number>>>;
  /** Rows in no part. */
  readonly without: number;
}

/** Shares are whole numbers of this. */
const WHOLE = 1_000_000_000n;

/**
 * Reads a split: `time:0.8` (the first 80 % of the rows are to train on), `time:0.7/0.15` (then 15 % to validate, the rest to test), `time:2024-03-01`
 * (held out from that moment on; naive times are UTC), `time:2024-03-01/2024-04-01`, `entity:0.8` (80 % of the entities), `entity:0.7/0.15:seed`.
 *
 * @throws INVALID_REQUEST
 */
export function parseSplit(how: string): SplitSpec {
  const [, by, rest = ""] = /^(time|entity):(.+)$/s.exec(how) ?? [];
  if (by === "time") {
    const shares = sharesOf(rest, how);
    if (shares !== undefined) return { by, shares };
    const cuts = rest.split("/").map((text) => BigInt(parseTime(text, "split")));
    if (cuts.length > 2) throw badSplit(how, "it has more than two times");
    if (cuts.length === 2 && cuts[0]! >= cuts[1]!) throw badSplit(how, "its second time is not later than its first");
    return { by, cuts };
  }
  const [, text = "", seed = "0"] = /^([^:]+)(?::(.+))?$/s.exec(rest) ?? [];
  const shares = by === undefined ? undefined : sharesOf(text, how);
  if (shares === undefined)
    throw badSplit(how, "it is neither by time nor by entity, with a share of the rows to train on");
  return { by: "entity", shares, seed };
}

/**
 * Decides each entity row's part. By time, rows of one moment are in one part, so the first part has its share or a little more. By entity, a hash of all
 * join keys decides, the same in every training set with these keys and seed; shares are met as chance has it.
 *
 * @throws INVALID_REQUEST for a part that no row falls into, or a split by entity of rows without join keys
 */
export async function makeSplit(how: string, entities: EntityRows, runner: StatementRunner): Promise<MadeSplit> {
  const spec = parseSplit(how);
  if (spec.by === "entity")
    return counted(how, entitySql(spec, how, entities), undefined, spec.shares.length, entities, runner);
  const cuts = "cuts" in spec ? spec.cuts : await cutsOf(spec.shares, how, entities, runner);
  const { time } = entities;
  const whens = cuts.map(
    (cut, i) => `WHEN ${time} < ${bigintLiteral(cut)} THEN ${quoteText(partsOf(cuts.length)[i]!)}`,
  );
  const sql = `CASE WHEN ${time} IS NULL THEN NULL ${whens.join(" ")} ELSE 'test' END`;
  return counted(how, sql, cuts, cuts.length, entities, runner);
}

async function counted(
  how: string,
  sql: string,
  cuts: readonly bigint[] | undefined,
  shares: number,
  entities: EntityRows,
  runner: StatementRunner,
): Promise<MadeSplit> {
  const found = await runner.rows(`SELECT ${sql} AS part, count(*) AS n FROM entity_rows GROUP BY part`);
  const counts = new Map(found.map(({ part, n }) => [part, Number(n)]));
  const rows = Object.fromEntries(partsOf(shares).map((part) => [part, counts.get(part) ?? 0]));
  const empty = Object.entries(rows).find(([, n]) => n === 0);
  if (empty !== undefined) throw noRows(how, empty[0], entities);
  return { how, sql, cuts, rows, without: counts.get(null) ?? 0 };
}

/** The first moments after the given shares of the rows, in order of time. */
async function cutsOf(
  shares: readonly bigint[],
  how: string,
  entities: EntityRows,
  runner: StatementRunner,
): Promise<bigint[]> {
  const { time } = entities;
  const timed = BigInt(entities.count - entities.nullTimes);
  const cuts: bigint[] = [];
  for (const [i, share] of runningSums(shares).entries()) {
    const before = (share * timed + WHOLE - 1n) / WHOLE;
    const last = `SELECT ${time} AS t FROM entity_rows WHERE ${time} IS NOT NULL ORDER BY t LIMIT 1 OFFSET ${before - 1n}`;
    const [found] =
      timed === 0n ? [] : await runner.rows(`SELECT min(${time}) AS cut FROM entity_rows WHERE ${time} > (${last})`);
    const cut = found?.["cut"];
    if (typeof cut !== "bigint") throw noRows(how, partsOf(shares.length)[i + 1]!, entities);
    cuts.push(cut);
  }
  return cuts;
}

/** The keys' texts in hexadecimal, joined by what is no such digit: no two entities have one text. MD5 is the same in every version of the engine. */
function entitySql({ shares, seed }: Extract<SplitSpec, { by: "entity" }>, how: string, entities: EntityRows): string {
  const keys = [...entities.keys.values()];
  if (keys.length === 0) throw badSplit(how, "no view of the request has a join key");
  const texts = [quoteText(Buffer.from(seed).toString("hex")), ...keys.map((key) => `hex(CAST(${key} AS VARCHAR))`)];
  const hash = `md5_number_upper(${texts.join(" || ':' || ")})`;
  const whens = runningSums(shares).map((share, i) => {
    const below = `CAST('${(share << 64n) / WHOLE}' AS UBIGINT)`;
    return `WHEN ${hash} < ${below} THEN ${quoteText(partsOf(shares.length)[i]!)}`;
  });
  const missing = keys.map((key) => `${key} IS NULL`).join(" OR ");
  return `CASE WHEN ${missing} THEN NULL ${whens.join(" ")} ELSE 'test' END`;
}

function partsOf(shares: number): readonly SplitPart[] {
  return shares === 1 ? ["train", "test"] : ["train", "validation", "test"];
}

function runningSums(shares: readonly bigint[]): bigint[] {
  return shares.map((_, i) => shares.slice(0, i + 1).reduce((sum, share) => sum + share, 0n));
}

/** Shares in parts of {@link WHOLE}; undefined for what does not look like any. */
function sharesOf(text: string, how: string): readonly bigint[] | undefined {
  const parts = text.split("/");
  if (!parts.every((part) => /^\d*\.?\d+$/.test(part))) return undefined;
  const shares = parts.map((part) => {
    const [, whole = "", digits = ""] = /^(\d*)(?:\.(\d{1,9}))?$/.exec(part) ?? [];
    return BigInt(whole) * WHOLE + BigInt(digits.padEnd(9, "0"));
  });
  if (shares.length > 2) throw badSplit(how, "it has more than two shares");
  if (shares.some((share) => share <= 0n) || shares.reduce((sum, share) => sum + share, 0n) >= WHOLE)
    throw badSplit(how, "its shares are not above 0 and together below 1, with at most 9 digits each");
  return shares;
}

function badSplit(how: string, why: string): LarderError {
  return new LarderError("INVALID_REQUEST", {
    what: `The split "${how.slice(0, 100)}" cannot be made: ${why}`,
    remedy: "Write time:0.8, time:0.7/0.15, time:2024-03-01, entity:0.8 or entity:0.8:SEED",
    facts: { field: "split" },
  });
}

function noRows(how: string, part: string, { count, minTime, maxTime }: EntityRows): LarderError {
  return new LarderError("INVALID_REQUEST", {
    what: `The split "${how}" leaves no ${part} rows of ${count}, whose times go from ${timeText(minTime)} to ${timeText(maxTime)}`,
    remedy: "Choose other shares, times or another seed, or give more entity rows",
    facts: { field: "split", part },
  });
}
