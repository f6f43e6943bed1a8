import type { ValueType } from "@larder/schema";
import { temporaryFolder } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LINT_CODES, type LintCode, type OfflineEngine, type Severity } from "../../src/index.ts";
import { days, type LintSketch, lintScene, normal, u } from "../support/lint-scene.ts";
import { testEngine } from "../support/parquet.ts";

let engine: OfflineEngine;
beforeAll(async () => {
  engine = await testEngine();
});
afterAll(() => engine.close());

const HOUR = 3_600_000_000;
const noise = ["float64", normal(2, "d")] as const;

/** What is planted, and how it must be found: code, severity, and the feature if one is meant. */
const PLANTED: [string, LintSketch, LintCode, Severity, string?][] = [
  [
    "rows that arrive days late, joined by event time",
    { asOf: "event_time", delay: `${u(5, "d")} * ${days(20)}` },
    "FEATURE_CREATED_AFTER_LABEL",
    "error",
  ],
  [
    "a few late corrections, joined by event time",
    { asOf: "event_time", delay: `CASE WHEN d = 6 AND i % 50 = 0 THEN ${days(60)} ELSE 60000000 END` },
    "FEATURE_CREATED_AFTER_LABEL",
    "error",
  ],
  [
    "created times that nobody explained, joined by event time",
    { asOf: "event_time", delay: days(60), createdMeans: undefined },
    "FEATURE_CREATED_AFTER_LABEL",
    "error",
  ],
  [
    "features written by the event that is the label",
    {
      time: `${days(92)} + ${u(3)} * ${days(3)}`,
      event: `${days(92)} + ${u(3)} * ${days(3)}`,
      history: 1,
      delay: null,
    },
    "FEATURE_AT_LABEL_TIME",
    "warning",
  ],
  [
    "one row in twenty at the moment of its label",
    {
      time: `${days(92)} + ${u(3)} * ${days(3)}`,
      event: `CASE WHEN i % 20 = 0 THEN ${days(92)} + ${u(3)} * ${days(3)} ELSE ${days(80)} + ${u(4)} * ${days(1)} END`,
      history: 1,
      delay: null,
    },
    "FEATURE_AT_LABEL_TIME",
    "warning",
  ],
  [
    "a code for each of five labels",
    { label: `'class ' || (${u(1)} * 5)::INTEGER`, features: { code: ["string", "md5(y)"] } },
    "FEATURE_IS_LABEL",
    "error",
    "code",
  ],
  [
    "the label of 50 rows: a warning, for want of evidence",
    { rows: 50, features: { noise, copy: ["int64", "y"] } },
    "FEATURE_IS_LABEL",
    "warning",
    "copy",
  ],
  [
    "a rare label's copy",
    {
      rows: 2000,
      label: `(${u(1)} < 0.05)::INTEGER`,
      features: { noise, copy: ["int32", "y"] },
      history: 2,
      event: days("88 + d"),
    },
    "FEATURE_IS_LABEL",
    "error",
    "copy",
  ],
  [
    "a number of AUC 0.999",
    { rows: 2000, history: 2, event: days("88 + d"), features: { score: ["float64", `y * 4.5 + ${normal(7)}`] } },
    "FEATURE_PREDICTS_LABEL",
    "error",
    "score",
  ],
  [
    "a number that tells one of three labels",
    {
      rows: 600,
      label: `['a', 'b', 'c'][1 + (${u(1)} * 2.99)::INTEGER % 3]`,
      features: { score: ["float64", `CASE y WHEN 'b' THEN 20 ELSE 0 END + ${normal(7)}`] },
    },
    "FEATURE_PREDICTS_LABEL",
    "error",
    "score",
  ],
  [
    "a separating number in 60 rows: a warning",
    { rows: 60, features: { score: ["float64", `y * 10 + ${normal(7)}`] } },
    "FEATURE_PREDICTS_LABEL",
    "warning",
    "score",
  ],
  [
    "the logarithm of a quantity",
    { label: `exp(3 * ${normal(1)})`, features: { log: ["float64", "ln(y)"] } },
    "FEATURE_IS_LABEL",
    "error",
    "log",
  ],
  [
    "a label dated in ten years",
    { time: `CASE WHEN i = 17 THEN ${days(3650)} ELSE ${days(91)} + i END` },
    "ENTITY_TIME_IN_FUTURE",
    "error",
  ],
  [
    "the year 9999 for rows without a time",
    { time: `CASE WHEN i % 9 = 0 THEN 251000000000000000 ELSE ${days(91)} + i END` },
    "ENTITY_TIME_IN_FUTURE",
    "error",
  ],
  [
    "rows that came twice",
    { reshape: "SELECT * FROM e UNION ALL SELECT * FROM e WHERE i < 30" },
    "DUPLICATE_ENTITY_ROWS",
    "warning",
  ],
  [
    "one row twice, with another label",
    { reshape: "SELECT * FROM e UNION ALL SELECT * REPLACE (1 - label AS label) FROM e WHERE i = 5" },
    "DUPLICATE_ENTITY_ROWS",
    "warning",
  ],
  [
    "every customer is always the one or the other",
    { rows: 400, repeat: 4, label: `(hash(i // 4, $seed) % 3 = 0)::INTEGER` },
    "ENTITIES_IN_ONE_CLASS",
    "warning",
  ],
  [
    "a feature that is mostly null",
    { features: { v: ["float64", `CASE WHEN ${u(7)} < 0.8 THEN NULL ELSE ${normal(8)} END`] } },
    "MANY_NULLS",
    "warning",
    "v",
  ],
  ["a view without rows for most", { where: "i % 3 = 0" }, "MANY_NULLS", "warning"],
  ["a TTL that most rows exceed", { ttl: 5 * 86_400_000_000 }, "MANY_OUT_OF_TTL", "warning"],
  [
    "rows every hour that end long before the labels, without TTL",
    { ttl: undefined, event: `${days(60)} + d * ${HOUR} + ${u(4, "d")} * 1000000` },
    "TTL_MISSING",
    "warning",
  ],
  [
    "one entity in ten whose daily rows ended, without TTL",
    {
      ttl: undefined,
      history: 130,
      rows: 100,
      event: `${days("d")} + ${u(4, "d")} * ${HOUR}`,
      where: `i % 10 <> 0 OR d < 20`,
    },
    "TTL_MISSING",
    "warning",
  ],
  [
    "event times in Berlin's summer, read as UTC",
    { delay: `${u(5, "d")} * 300000000 - 2 * ${HOUR}` },
    "TIME_ZONE_MIX_UP",
    "warning",
  ],
  [
    "half of the event times in New York's",
    { delay: `${u(5, "d")} * 50000000 + CASE WHEN i % 2 = 0 THEN 5 * ${HOUR} ELSE 0 END` },
    "TIME_ZONE_MIX_UP",
    "warning",
  ],
  [
    "winter and summer time",
    { delay: `${u(5, "d")} * 50000000 + CASE WHEN i % 3 = 0 THEN 2 ELSE 1 END * ${HOUR}` },
    "TIME_ZONE_MIX_UP",
    "warning",
  ],
  [
    "labels of events, two hours off",
    { time: `${days(60 + 5 * 5)} + ${u(4, "5")} * ${days(1)} + 2 * ${HOUR}` },
    "TIME_ZONE_MIX_UP",
    "warning",
  ],
  [
    "labels of events, five hours early",
    { time: `${days(60 + 5 * 5)} + ${u(4, "5")} * ${days(1)} - 5 * ${HOUR}` },
    "TIME_ZONE_MIX_UP",
    "warning",
  ],
  [
    "a random split of rows of the same customers",
    { rows: 400, repeat: 4, columns: { part: `CASE WHEN ${u(7)} < 0.8 THEN 'train' ELSE 'test' END` }, split: "part" },
    "SPLIT_SHARES_ENTITIES",
    "error",
  ],
  [
    "a split by entity with one row on the wrong side",
    {
      rows: 400,
      repeat: 4,
      columns: { part: `CASE WHEN i // 4 < 80 OR i = 399 THEN 'TRAIN' ELSE 'holdout' END` },
      time: days("90 + i * 0.01"),
      split: "part",
      reshape: "SELECT * FROM e ORDER BY i DESC",
    },
    "SPLIT_SHARES_ENTITIES",
    "error",
  ],
  [
    "each customer's last row for the test, at different times",
    {
      rows: 400,
      repeat: 4,
      columns: { part: "CASE WHEN i % 4 < 3 THEN 'train' ELSE 'test' END" },
      time: days("90 + (i % 4) * 5 + (i // 4) * 0.1"),
      split: "part",
    },
    "SPLIT_TIMES_OVERLAP",
    "warning",
  ],
  [
    "a cut in time, with values that stay the same across it",
    {
      rows: 400,
      repeat: 4,
      columns: { part: "CASE WHEN i % 4 < 3 THEN 'train' ELSE 'test' END" },
      time: days("92 + i % 4"),
      split: "part",
    },
    "SPLIT_SHARES_FEATURE_ROWS",
    "warning",
  ],
];

/** Features of one set each, beside noise, with how they must be found. */
type PlantedFeatures = Readonly<Record<string, readonly [ValueType, string, LintCode, Severity]>>;

const OF_A_CLASS: PlantedFeatures = {
  copy: ["int64", "y", "FEATURE_IS_LABEL", "error"],
  turned_round: ["float32", "1 - y", "FEATURE_IS_LABEL", "error"],
  as_word: ["string", "CASE y WHEN 1 THEN 'gone' ELSE 'here' END", "FEATURE_IS_LABEL", "error"],
  as_flag: ["bool", "y = 1", "FEATURE_IS_LABEL", "error"],
  as_list: ["list<string>", "['a', CASE y WHEN 1 THEN 'x' ELSE 'y' END]", "FEATURE_IS_LABEL", "error"],
  among_nulls: ["int64", `CASE WHEN ${u(7)} < 0.6 THEN NULL ELSE y END`, "FEATURE_IS_LABEL", "error"],
  with_errors: ["int64", `CASE WHEN ${u(7)} < 0.0025 THEN 1 - y ELSE y END`, "FEATURE_PREDICTS_LABEL", "error"],
  in_many_words: [
    "string",
    `CASE y WHEN 1 THEN 'left ' ELSE 'stays ' END || (${u(7)} * 12)::INTEGER`,
    "FEATURE_PREDICTS_LABEL",
    "error",
  ],
  part_of_a_class: [
    "string",
    `CASE WHEN y = 1 AND ${u(7)} < 0.5 THEN 'refund' ELSE 'none' END`,
    "FEATURE_PREDICTS_LABEL",
    "warning",
  ],
  null_or_not: [
    "unix_timestamp",
    `CASE WHEN y = 1 THEN make_timestamp(1767225600000000 + (${u(7)} * 1000000)::BIGINT * 1000000) END`,
    "FEATURE_PREDICTS_LABEL",
    "error",
  ],
  separating: ["float64", `y * 10 + ${normal(7)}`, "FEATURE_PREDICTS_LABEL", "error"],
  downwards: ["float32", `${normal(7)} - y * 12`, "FEATURE_PREDICTS_LABEL", "error"],
  auc_of_98: ["float64", `y * 2.9 + ${normal(7)}`, "FEATURE_PREDICTS_LABEL", "warning"],
};

const OF_A_QUANTITY: PlantedFeatures = {
  in_cents: ["float64", "y * 100 + 5", "FEATURE_IS_LABEL", "error"],
  as_float: ["float32", "y", "FEATURE_IS_LABEL", "error"],
  as_text: ["string", "y::VARCHAR", "FEATURE_IS_LABEL", "error"],
  with_noise: ["float64", `y + 0.5 * ${normal(7)}`, "FEATURE_PREDICTS_LABEL", "warning"],
};

test("at least thirty leaks are planted, of every code", () => {
  const features = [...Object.values(OF_A_CLASS), ...Object.values(OF_A_QUANTITY)];
  expect(PLANTED.length + features.length).toBeGreaterThanOrEqual(30);
  const codes = [...PLANTED.map(([, , code]) => code), ...features.map(([, , code]) => code)];
  expect(new Set(codes)).toEqual(new Set(LINT_CODES));
});

test.each([
  ["a class", OF_A_CLASS, { rows: 800 }],
  ["a quantity", OF_A_QUANTITY, { label: `round(50 + 10 * ${normal(1)}, 3)` }],
])("features that tell %s", async (_, planted, sketch) => {
  await using folder = await temporaryFolder();
  const features = Object.entries(planted).map(([name, [type, sql]]) => [name, [type, sql]] as const);
  const { findings } = await lintScene(engine, folder.path, {
    ...sketch,
    features: { noise, ...Object.fromEntries(features) },
  });
  const told = findings.filter(({ code }) => code !== "MANY_NULLS");
  expect(Object.fromEntries(told.map(({ feature, code, severity }) => [feature, [code, severity]]))).toEqual(
    Object.fromEntries(Object.entries(planted).map(([name, [, , code, severity]]) => [name, [code, severity]])),
  );
  expect(told).toHaveLength(features.length);
  expect(told.every(({ example }) => Object.keys(example?.values ?? {}).length === 4)).toBe(true);
});

test.each(PLANTED)("%s", async (_, sketch, code, severity, feature) => {
  await using folder = await temporaryFolder();
  const { findings, manifest } = await lintScene(engine, folder.path, sketch);
  const planted = findings.filter((each) => each.code === code && each.feature === (feature ?? null));
  expect(
    planted.map((each) => each.severity),
    JSON.stringify(findings),
  ).toEqual([severity]);
  const [{ what, why, remedy, rows, example } = planted[0]!] = planted;
  expect([what, why, remedy].every((text) => text.length > 20 && !text.endsWith("."))).toBe(true);
  expect(rows).toBeGreaterThan(0);
  if (code !== "MANY_NULLS")
    expect(example?.values).toMatchObject({ customer_id: expect.any(String), time: expect.stringMatching(/Z$/) });
  expect(manifest.lint?.findings.map((each) => each.code)).toEqual(findings.map((each) => each.code));
  const others = findings.filter((each) => each.severity === "error" && each.code !== code);
  expect(others).toEqual([]);
});
