import { type JoinKey, LarderError } from "@larder/schema";

/**
 * One entity row from `key=value` pairs, each after `option` on the command line (nothing where they are arguments). int32 and unix_timestamp
 * values are read as numbers; the others go on as text, which the store reads by the join key's type (int64 as a decimal number, bytes as base64).
 * @throws USAGE for a pair without `=`, or a key given twice or unknown
 */
export function entityRow(
  pairs: readonly string[],
  joinKeys: readonly JoinKey[],
  option = "--entity ",
): Record<string, string | number> {
  const row: Record<string, string | number> = {};
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    const name = pair.slice(0, at);
    const key = joinKeys.find((candidate) => candidate.name === name);
    if (at <= 0) throw badPair(option, pair, "is no key=value pair", joinKeys);
    if (key === undefined)
      throw badPair(option, pair, `names "${name}", which is no join key of these features`, joinKeys);
    if (Object.hasOwn(row, name)) throw badPair(option, pair, `gives "${name}" a second time`, joinKeys);
    row[name] = typed(key, pair.slice(at + 1));
  }
  return row;
}

/**
 * The same, with a value for each of the join keys.
 * @throws USAGE as above; INVALID_REQUEST for a missing key
 */
export function wholeEntityRow(
  pairs: readonly string[],
  joinKeys: readonly JoinKey[],
  option = "--entity ",
): Record<string, string | number> {
  const row = entityRow(pairs, joinKeys, option);
  const missing = joinKeys.filter(({ name }) => !Object.hasOwn(row, name));
  if (missing.length === 0) return row;
  throw new LarderError("INVALID_REQUEST", {
    what: `No value is given for ${missing.map(({ name, type }) => `${name} (${type})`).join(", ")}`,
    remedy: namedBy(option, joinKeys),
    facts: { field: "entity" },
  });
}

/**
 * Entity rows from `key=value` pairs: a join key that is given again begins the next one. At least one row.
 * @throws as {@link wholeEntityRow}, for every row
 */
export function wholeEntityRows(
  pairs: readonly string[],
  joinKeys: readonly JoinKey[],
): readonly Record<string, string | number>[] {
  const rows: string[][] = [[]];
  let given = new Set<string>();
  for (const pair of pairs) {
    const name = pair.slice(0, pair.indexOf("="));
    if (given.has(name)) {
      given = new Set();
      rows.push([]);
    }
    given.add(name);
    rows.at(-1)?.push(pair);
  }
  return rows.map((row) => wholeEntityRow(row, joinKeys));
}

/**
 * Join-key values from `key=value` arguments, as text: whose type is known only view by view.
 * @throws USAGE for an argument without `=`, or a key given twice
 */
export function keyValuePairs(pairs: readonly string[]): Record<string, string> {
  const entity = new Map<string, string>();
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    const name = pair.slice(0, at);
    if (at > 0 && !entity.has(name)) {
      entity.set(name, pair.slice(at + 1));
      continue;
    }
    throw new LarderError("USAGE", {
      what: at > 0 ? `"${name.slice(0, 200)}" is given twice` : `"${pair.slice(0, 200)}" is no key=value pair`,
      remedy: "Name one entity by its join keys, as in customer_id=12345",
      facts: { field: "entity" },
    });
  }
  return Object.fromEntries(entity);
}

function typed({ type }: JoinKey, text: string): string | number {
  const numeric = type === "int32" || type === "unix_timestamp";
  return numeric && /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}

function badPair(option: string, pair: string, what: string, joinKeys: readonly JoinKey[]): LarderError {
  return new LarderError("USAGE", {
    what: `${option}${pair.slice(0, 200)} ${what}`,
    remedy: namedBy(option, joinKeys),
    facts: { field: "entity" },
  });
}

function namedBy(option: string, joinKeys: readonly JoinKey[]): string {
  const example = joinKeys.map(({ name }) => `${option}${name}=…`).join(" ");
  return `Name one entity by ${example || "nothing: these features have no entity"}`;
}
