import { propertySettings, temporaryFolder } from "@larder/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { LintCode, OfflineEngine } from "../../src/index.ts";
import { days, type LintSketch, lintScene, normal, u } from "../support/lint-scene.ts";
import { testEngine } from "../support/parquet.ts";

let engine: OfflineEngine;
beforeAll(async () => {
  engine = await testEngine();
});
afterAll(() => engine.close());

const noise = ["float64", normal(2, "d")] as const;
/** Of classes one standard normal apart by `shift`, the AUC is Phi(shift / sqrt 2): 1.81 gives 0.90. */
const strong = ["float64", `y * 1.81 + ${normal(7)}`] as const;
const rare = (share: number) => `(${u(1)} < ${share})::INTEGER`;
const perEntity = (repeat: number) => `(hash(i // ${repeat}, $seed) % 3 = 0)::INTEGER`;
const quantity = `50 + 10 * ${normal(1)}`;

/** Sets without a leak, and the codes of warnings that are right to come up; a word more in the name says why. */
const CLEAN: [string, LintSketch, LintCode[]?][] = [
  ["noise", {}],
  ["no label", { label: null }],
  ["50 rows", { rows: 50 }],
  ["5 rows", { rows: 5 }],
  ["one row", { rows: 1 }],
  ["no row", { rows: 0 }],
  ["a rare label", { rows: 1500, history: 2, event: days("88 + d"), label: rare(0.02) }],
  ["a rare label in 50 rows", { rows: 50, label: rare(0.06) }],
  ["one class", { label: "1" }],
  ["labels that are all null", { label: "NULL::INTEGER" }],
  ["a label with nulls", { label: `CASE WHEN ${u(8)} < 0.3 THEN NULL ELSE ${rare(0.3)} END` }],
  [
    "strong, honest features, identifiers, constants, nulls at random",
    {
      rows: 600,
      features: {
        noise,
        strong,
        half_null: ["float64", `CASE WHEN ${u(9)} < 0.45 THEN NULL ELSE ${strong[1]} END`],
        flag: ["bool", `CASE WHEN ${u(7)} < 0.1 THEN y = 0 ELSE y = 1 END`],
        word: [
          "string",
          `'w' || CASE WHEN ${u(7)} < 0.2 THEN (${u(8)} * 12)::INTEGER ELSE y * 6 + (${u(9)} * 5)::INTEGER END`,
        ],
        id: ["int64", "i"],
        hex: ["string", "md5(i::VARCHAR)"],
        raw: ["bytes", "md5(i::VARCHAR)::BLOB"],
        one: ["int64", "1"],
        always: ["bool", "true"],
        list: ["list<int64>", "[1, 2]"],
        odd: ["float64", `CASE i % 3 WHEN 0 THEN 'NaN'::DOUBLE WHEN 1 THEN 'inf'::DOUBLE ELSE ${normal(7)} END`],
      },
    },
  ],
  [
    "a strong, honest number and a rare label",
    { rows: 1500, history: 2, event: days("88 + d"), label: rare(0.05), features: { strong } },
  ],
  ["a strong, honest number in 50 rows", { rows: 50, features: { strong } }],
  [
    "identifiers of customers that are always one class",
    {
      rows: 600,
      repeat: 4,
      label: perEntity(4),
      features: { id: ["int64", "hash(i) % 1000000"], hex: ["string", "md5(i::VARCHAR)"] },
    },
    ["ENTITIES_IN_ONE_CLASS"],
  ],
  [
    "three customers that are always one class, with words of their own",
    {
      rows: 300,
      repeat: 100,
      label: "(i // 100) % 2",
      features: { name: ["string", "'c' || i"], size: ["int64", "i"] },
    },
  ],
  [
    "twelve customers, six of a class, in two towns that happen to be theirs",
    {
      rows: 600,
      repeat: 50,
      label: "((i // 50) % 2)",
      features: { town: ["string", "['A', 'B'][1 + (i // 50) % 2]"] },
    },
    ["FEATURE_IS_LABEL"],
  ],
  [
    "nothing but nulls",
    { features: { v: ["float64", "NULL::DOUBLE"], s: ["string", "NULL::VARCHAR"] } },
    ["MANY_NULLS"],
  ],
  ["customers without rows", { where: "i % 4 > 0" }],
  ["a quantity, and noise", { label: quantity }],
  [
    "a quantity, and a strong, honest number",
    { label: quantity, features: { near: ["float64", `y + 5 * ${normal(7)}`] } },
  ],
  [
    "a quantity in 30 rows",
    {
      rows: 30,
      label: quantity,
      features: { near: ["float64", `y + 5 * ${normal(7)}`], word: ["string", "'w' || i % 7"] },
    },
  ],
  [
    "a quantity, and the value of the month before",
    { rows: 600, label: `exp(3 * ${normal(1)})`, features: { before: ["float64", `y * exp(0.5 * ${normal(7)})`] } },
    ["FEATURE_PREDICTS_LABEL"],
  ],
  [
    "a quantity with identifiers and huge numbers",
    {
      label: quantity,
      features: {
        id: ["int64", "9007199254740993 + i"],
        huge: ["float64", `1e300 * ${normal(7)}`],
        hex: ["string", "md5(i::VARCHAR)"],
      },
    },
  ],
  [
    "whole numbers of few values",
    { label: `(${u(1)} * 40)::INTEGER`, features: { few: ["int32", `(${u(7)} * 5)::INTEGER`] } },
  ],
  [
    "three classes",
    {
      label: `['a', 'b', 'c'][1 + (${u(1)} * 2.99)::INTEGER % 3]`,
      features: { noise, strong: ["float64", `CASE y WHEN 'b' THEN 1.5 ELSE 0 END + ${normal(7)}`] },
    },
  ],
  ["several rows of each customer, labels at random", { rows: 400, repeat: 4 }],
  ["by event time, rows that arrive at once", { asOf: "event_time", delay: "0" }],
  [
    "by event time, loaded later, as the view says",
    { asOf: "event_time", delay: days(300), createdMeans: "load_time" },
  ],
  ["by event time, without created column", { asOf: "event_time", delay: null }],
  ["rows that arrive days late, as they were known", { delay: `${u(5, "d")} * ${days(6)}` }],
  [
    "midnight features and midnight labels a day later",
    { time: days(`91 + (${u(3)} * 30)::INTEGER`), event: days("60 + 5 * d"), delay: "3 * 3600000000" },
  ],
  [
    "hourly schedules with a delay of whole hours",
    {
      time: `${days(91)} + (${u(3)} * 500)::INTEGER * 3600000000`,
      event: `${days(80)} + (d * 24 + i % 24) * 3600000000`,
      delay: "(1 + i % 3) * 3600000000",
    },
  ],
  [
    "daily rows and a TTL",
    {
      history: 40,
      rows: 60,
      ttl: 3 * 86_400_000_000,
      event: `${days("91 + d")} + ${u(4, "d")} * ${days(1)}`,
      time: `${days(93)} + ${u(3)} * ${days(37)}`,
    },
  ],
  [
    "daily rows up to the label, without TTL",
    { history: 45, rows: 60, ttl: undefined, event: days("90 + d"), time: `${days(93)} + ${u(3)} * ${days(40)}` },
  ],
  ["rows that never change, without TTL", { ttl: undefined, history: 1 }],
  [
    "a split by customer",
    {
      rows: 400,
      repeat: 4,
      split: "part",
      columns: { part: "CASE WHEN (i // 4) % 5 > 0 THEN 'train' ELSE 'test' END" },
    },
  ],
  [
    "a split by time, with a gap",
    {
      rows: 400,
      repeat: 4,
      split: "part",
      time: days("65 + (i % 4) * 8"),
      columns: { part: "CASE WHEN i % 4 < 3 THEN 'train' ELSE 'test' END" },
    },
  ],
  [
    "a split at random of customers with one row each",
    { split: "part", columns: { part: `CASE WHEN ${u(7)} < 0.7 THEN 'training' WHEN i % 2 = 0 THEN 'test' END` } },
  ],
];

test("at least thirty sets are clean", () => expect(CLEAN.length).toBeGreaterThanOrEqual(30));

test.each(CLEAN)("%s", async (_, sketch, allowed = []) => {
  await using folder = await temporaryFolder();
  const { findings } = await lintScene(engine, folder.path, sketch);
  const told = findings.filter(
    ({ severity, code }) => severity === "error" || (severity === "warning" && !allowed.includes(code)),
  );
  expect(told).toEqual([]);
});

const sketch = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  rows: fc.constantFrom(2, 20, 50, 100, 200, 400),
  repeat: fc.constantFrom(1, 1, 2, 5, 25),
  label: fc.constantFrom(
    rare(0.5),
    rare(0.3),
    rare(0.1),
    rare(0.02),
    perEntity(5),
    `(${u(1)} * 4)::INTEGER`,
    quantity,
    `(${u(1)} * 40)::INTEGER`,
  ),
  ttl: fc.constantFrom(undefined, 2 * 86_400_000_000, 20 * 86_400_000_000),
  asOf: fc.constantFrom("bitemporal" as const, "bitemporal" as const, "event_time" as const),
  delay: fc.constantFrom("0", null),
  nulls: fc.constantFrom(0, 0.3, 0.9),
});

test("random clean histories never give an error", async () => {
  await using folder = await temporaryFolder();
  await fc.assert(
    fc.asyncProperty(sketch, async ({ nulls, delay, ...rest }) => {
      const some = (k: number, sql: string) => `CASE WHEN ${u(k, "d")} < ${nulls} THEN NULL ELSE ${sql} END`;
      const number = /INTEGER$/.test(rest.label) ? `y * 1.2 + ${normal(7)}` : normal(7);
      const { findings } = await lintScene(engine, folder.path, {
        ...rest,
        delay,
        features: {
          id: ["int64", "i"],
          number: ["float64", some(11, number)],
          flag: ["bool", some(12, `${u(13, "d")} < 0.1`)],
          word: ["string", some(14, `'w' || (${u(15)} * 30)::INTEGER`)],
        },
      });
      expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
    }),
    propertySettings(6),
  );
});
