import { isLarderError, parseDefinitions } from "@larder/schema";
import { expect, test } from "vitest";

const MEGABYTE = 1024 * 1024;

/** Of the processor's time, which a busy machine does not lengthen. Without the limits these take minutes, or end the process. */
const BOUND_US = 20_000_000;

const fill = (piece: string, bytes = MEGABYTE - 100) => piece.repeat(Math.floor(bytes / Buffer.byteLength(piece)));

const FILES: readonly (readonly [name: string, text: string, message: RegExp])[] = [
  ["two megabytes", fill("# comment\n", 2 * MEGABYTE), /is larger than 1048576 bytes/],
  ["open brackets", fill("["), /more than 32 levels/],
  ["open braces", fill("{a: "), /more than 32 levels/],
  ["dashes in a line", `${fill("- ")}x`, /more than 32 levels/],
  ["question marks", `${fill("? ")}x`, /more than 32 levels/],
  [
    "deep indentation",
    Array.from({ length: 1400 }, (_, i) => `${" ".repeat(i)}a:\n`).join(""),
    /lines indented beyond 200 spaces/,
  ],
  [
    "40 levels of indentation",
    Array.from({ length: 40 }, (_, i) => `${" ".repeat(i)}a:\n`).join(""),
    /more than 32 levels/,
  ],
  ["a long list", fill("- a\n"), /holds more than the loader takes/],
  ["a long flow list", `[${fill("1,")}]`, /holds more than the loader takes/],
  ["closing brackets", fill("]"), /closing brackets or commas that fit nothing/],
  ["commas", `[${fill(", ")}]`, /closing brackets or commas that fit nothing/],
  ["errors as far as the limit", fill("a: b: c\n", 140_000), /cannot be read as YAML/],
  ["an open quote", `a: "${fill("x", MEGABYTE - 10)}`, /Missing closing "quote/],
  ["NUL characters", fill("\0"), /file has 1 problem|cannot be read|is not a map/],
  ["one long line", `project: ${fill("x", MEGABYTE - 20)}`, /characters long|not a project name/],
  ["many keys", Array.from({ length: 6_000 }, (_, i) => `k${i}: v`).join("\n"), /is not a key here/],
  ["billion laughs", laughs(9, 9), /holds more than the loader takes/],
  ["billion laughs, deep", laughs(31, 2), /holds more than the loader takes/],
  [
    "quadratic aliases",
    `a: &a [${fill("x,", 40_000)}]\nb: [${fill("*a,", 30_000)}]\n`,
    /holds more than the loader takes/,
  ],
  ["an alias inside itself", "a: &a [*a, *a]\n", /inside its own anchor/],
  [
    "typos of every key",
    `project: p\n${Array.from({ length: 3000 }, (_, i) => `feature_view${i}: 1`).join("\n")}`,
    /… and \d+ more/,
  ],
  ["a long number", `project: p\nserver: { port: ${fill("9", 100_000)} }`, /not a whole number/],
  ["a long duration", `project: p\nonline_store: { type: memory, deadline: ${fill("9", 100_000)}s }`, /not a duration/],
  ["a regular expression's worst", `project: ${fill("a-", 100_000)}!`, /not a project name|characters long/],
];

function laughs(levels: number, width: number): string {
  const lines = Array.from({ length: levels }, (_, i) => {
    const each = i === 0 ? "lol" : `*l${i - 1}`;
    return `l${i}: &l${i} [${Array.from({ length: width }, () => each).join(", ")}]`;
  });
  return `${lines.join("\n")}\n`;
}

test.each(FILES)("a hostile file is refused in bounded time and space: %s", (_name, text, message) => {
  const start = process.cpuUsage();
  let caught: unknown;
  try {
    parseDefinitions(text, { file: "hostile.yaml" });
  } catch (error) {
    caught = error;
  }
  expect(process.cpuUsage(start).user).toBeLessThan(BOUND_US);
  expect(isLarderError(caught, "CONFIG_INVALID")).toBe(true);
  if (!isLarderError(caught)) return;
  expect(caught.message).toMatch(message);
  expect(caught.problems.length).toBeLessThanOrEqual(100);
  expect(caught.message.length).toBeLessThan(60_000);
});

test("a large honest file is taken: 2,000 features", () => {
  const views = Array.from({ length: 100 }, (_, v) => {
    const features = Array.from({ length: 20 }, (_, f) => `      - { name: feature_${f}, type: float32, default: 0 }`);
    return `  - name: view_${v}\n    entity: customer\n    ttl: 30d\n    features:\n${features.join("\n")}`;
  });
  const text = `project: p\nentities:\n  - { name: customer, join_keys: [{ name: id, type: int64 }] }\nfeature_views:\n${views.join("\n")}\n`;
  const definitions = parseDefinitions(text);
  expect([...definitions.views.values()].flatMap(({ features }) => features)).toHaveLength(2000);
});
