import type { FeatureValue, KeyType, KeyValue } from "@larder/schema";
import { type RedisServer, startLeakCheck, startRedis, type TemporaryFolder, temporaryFolder } from "@larder/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ViewSpec } from "../../../../conformance/definitions.ts";
import { MISSING, type Session } from "../../../../conformance/world.ts";
import { type FeastAnswer, type FeastCommand, goldenOf, runFeast } from "./feast-sdk.ts";
import { type GoldenValue, valueOfGolden } from "./golden.ts";
import { ALL_TYPES, NOW, openFeast, project } from "./harness.ts";

/** Values of every type: ordinary ones, zeros, limits, nulls. What one side alone can say is below. */
const ROWS: readonly Readonly<Record<keyof typeof ALL_TYPES, FeatureValue>>[] = [
  {
    i32: -7,
    i64: 2n ** 53n + 1n,
    f32: Math.fround(0.1),
    f64: 0.1,
    flag: true,
    s: "héllo \u{1f600}\0",
    b: Uint8Array.of(0, 255),
    t: 1_640_991_600n,
    li32: [1, -1, 300],
    li64: [2n ** 63n - 1n, -(2n ** 63n), 0n],
    lf32: [Math.fround(0.1), -0.5],
    lf64: [0.1, -1e300],
    lflag: [true, false],
    ls: ["a", "", "é"],
    lb: [Uint8Array.of(1), new Uint8Array(0)],
    lt: [1_640_991_600n, 0n],
  },
  {
    i32: 0,
    i64: 0n,
    f32: 0,
    f64: 0,
    flag: false,
    s: "",
    b: Uint8Array.of(0),
    t: 0n,
    li32: [],
    li64: [],
    lf32: [],
    lf64: [],
    lflag: [],
    ls: [],
    lb: [],
    lt: [],
  },
  {
    i32: -(2 ** 31),
    i64: -(2n ** 63n),
    f32: Number.POSITIVE_INFINITY,
    f64: Number.NEGATIVE_INFINITY,
    flag: false,
    s: "NaN",
    b: new Uint8Array(300).fill(7),
    t: -1n,
    li32: [2 ** 31 - 1],
    li64: [-1n],
    lf32: [Number.POSITIVE_INFINITY],
    lf64: [Number.NEGATIVE_INFINITY],
    lflag: [false],
    ls: ["x".repeat(200)],
    lb: [new Uint8Array(200)],
    lt: [-1n],
  },
  { ...allNull(), i32: 7 },
];

const KEYS: readonly (readonly [KeyType, (row: number) => KeyValue])[] = [
  ["int64", (row) => BigInt(row) - 2n ** 40n],
  ["int32", (row) => row - 2],
  ["string", (row) => `k-é\u{1f600}${row}`],
];

const leaks = startLeakCheck();
let server: RedisServer;
let folder: TemporaryFolder;

beforeAll(async () => {
  server = await startRedis();
  folder = await temporaryFolder();
});

afterAll(async () => {
  await folder?.remove();
  await server?.stop();
  await leaks.assertNothingLeft();
});

function allNull(): Readonly<Record<keyof typeof ALL_TYPES, FeatureValue>> {
  return Object.fromEntries(Object.keys(ALL_TYPES).map((name) => [name, null])) as Record<
    keyof typeof ALL_TYPES,
    FeatureValue
  >;
}

/** One project per version of keys and type of entity, as both sides open it. */
const CASES = ([2, 3] as const).flatMap((version) =>
  KEYS.map(([type, keyOf]) => {
    const views: readonly ViewSpec[] = [
      { name: "all_types", joinKeys: { id: type }, features: ALL_TYPES },
      { name: "pair", joinKeys: { id: type, Zone: "string" }, features: { x: "int64" } },
      { name: "lone", joinKeys: { id: type }, features: { x: "int64" } },
    ];
    return { name: `v${version}_${type}`, version, type, keyOf, views };
  }),
);

type Case = (typeof CASES)[number];

function opens({ name, version, views }: Case): FeastCommand {
  const connection = server.connectionString;
  return { do: "open", store: name, project: `p_${name}`, connection, version, options: {}, views };
}

async function openLarder({ name, version, views }: Case): Promise<Session & AsyncDisposable> {
  return openFeast(server, project(`p_${name}`, ...views), { entityKeyVersion: version });
}

/** A time as Feast's Python takes it. */
function iso(micros: number): string {
  return `${new Date(Math.floor(micros / 1000)).toISOString().slice(0, 23)}${String(micros % 1000).padStart(3, "0")}+00:00`;
}

function writes(one: Case, view: string, row: Readonly<Record<string, FeatureValue>>, micros: number): FeastCommand {
  const golden = Object.entries(row).map(([name, value]): [string, GoldenValue] => [name, goldenOf(value)]);
  return { do: "write", store: one.name, view, eventTime: iso(micros), row: Object.fromEntries(golden) };
}

function reads(
  one: Case,
  view: string,
  features: readonly string[],
  ids: readonly KeyValue[],
  more = {},
): FeastCommand {
  const entities = ids.map((id) => ({ id: goldenOf(id) as string | number, ...more }));
  return { do: "read", store: one.name, features: features.map((name) => `${view}:${name}`), entities };
}

const NAMES = Object.keys(ALL_TYPES) as (keyof typeof ALL_TYPES)[];

test("Larder reads every value that Feast writes, Feast every value that Larder writes, with keys of both versions", async () => {
  const written = CASES.flatMap((one) => [
    opens(one),
    ...ROWS.map((row, i) => writes(one, "all_types", { id: one.keyOf(i), ...row }, NOW + i)),
    writes(one, "pair", { id: one.keyOf(0), Zone: "z", x: 5n }, NOW),
  ]);
  await runFeast(folder.path, written);

  for (const one of CASES) {
    await using session = await openLarder(one);
    const ids = ROWS.map((_, i) => ({ id: one.keyOf(i) }));
    expect(
      await session.cells(
        NAMES.map((name) => `all_types:${name}`),
        ids,
      ),
    ).toEqual(ROWS.map((row) => NAMES.map((name) => [row[name] === null ? "NULL_VALUE" : "PRESENT", row[name]])));
    const batch = await session.read(session.plan("all_types:s"), ids);
    expect(ids.map((_, i) => batch.eventTime(i, 0))).toEqual(ids.map((_, i) => NOW + i));
    expect(await session.cells(["pair:x"], [{ id: one.keyOf(0), Zone: "z" }])).toEqual([[["PRESENT", 5n]]]);

    // Feast skips what is not newer than a row of Larder's; the rest of this goes the other way.
    await session.reset({ tenant: "default" });
    await session.write(
      "all_types",
      ROWS.map((row, i) => session.row("all_types", [one.keyOf(i)], NOW + i, row)),
    );
    await session.write("pair", [session.row("pair", [one.keyOf(1), "z"], NOW, { x: 6n })]);
  }

  const answers = await runFeast(
    folder.path,
    CASES.flatMap((one) => [
      opens(one),
      reads(
        one,
        "all_types",
        NAMES,
        ROWS.map((_, i) => one.keyOf(i)),
      ),
      reads(one, "pair", ["x"], [one.keyOf(1)], { Zone: "z" }),
    ]),
  );
  for (const [i, one] of CASES.entries()) {
    const [, columns, pair] = answers.slice(3 * i, 3 * i + 3) as [FeastAnswer, FeastAnswer, FeastAnswer];
    for (const name of NAMES) {
      const column = (columns as Record<string, readonly GoldenValue[]>)[name] ?? [];
      const values = column.map((value) => valueOfGolden(ALL_TYPES[name], value));
      expect([one.name, name, values]).toEqual([one.name, name, ROWS.map((row) => row[name])]);
    }
    expect(pair).toMatchObject({ x: [6] });
  }
}, 600_000);

test("each side's newer rows win over the other's, and a deletion by Larder reads as nulls in Feast", async () => {
  const one = CASES.at(-1) as Case;
  const [id, other] = [one.keyOf(100), one.keyOf(101)];
  await using session = await openLarder(one);
  const larder = (key: KeyValue, micros: number, x: bigint | undefined) =>
    session.outcomes("lone", [session.row("lone", [key], micros, x === undefined ? undefined : { x })]);
  expect(await larder(id, NOW, 1n)).toEqual(["applied"]);
  expect(await larder(other, NOW, 1n)).toEqual(["applied"]);
  expect(await larder(other, NOW + 5, undefined)).toEqual(["applied"]);
  const read = reads(one, "lone", ["x"], [id, other]);
  const answers = await runFeast(folder.path, [
    opens(one),
    read,
    writes(one, "lone", { id, x: 2n }, NOW - 1),
    writes(one, "lone", { id, x: 3n }, NOW),
    writes(one, "lone", { id: other, x: 3n }, NOW + 5),
    read,
    writes(one, "lone", { id, x: 4n }, NOW + 1),
    writes(one, "lone", { id: other, x: 5n }, NOW + 6),
    read,
  ]);
  const seen = answers.filter((answer) => typeof answer === "object").map((answer) => answer["x"]);
  expect(seen).toEqual([
    [1, null],
    [1, null],
    [4, 5],
  ]);
  const cells = () => session.cells(["lone:x"], [{ id }, { id: other }]);
  expect(await cells()).toEqual([[["PRESENT", 4n]], [["PRESENT", 5n]]]);
  expect(await larder(id, NOW + 1, 9n)).toEqual(["stale"]);
  expect(await larder(other, NOW + 7, undefined)).toEqual(["applied"]);
  expect(await cells()).toEqual([[["PRESENT", 4n]], [MISSING]]);
}, 600_000);

test("what only one side can say is read as the documents say", async () => {
  const one = CASES.at(-1) as Case;
  const id = one.keyOf(200);
  await using session = await openLarder(one);
  const values = { ...allNull(), f32: Number.NaN, f64: Number.NaN, b: new Uint8Array(0), lf64: [Number.NaN] };
  await session.write("all_types", [session.row("all_types", [id], NOW, values)]);
  const names = ["f32", "f64", "b", "lf64"];
  const [, mine, , theirs] = await runFeast(folder.path, [
    opens(one),
    reads(one, "all_types", names, [id]),
    writes(one, "all_types", { id, ...allNull(), i32: 1, f32: Number.NaN, b: new Uint8Array(0) }, NOW + 1),
    reads(one, "all_types", names, [id]),
  ]);
  expect(mine).toMatchObject({ f32: ["NaN"], f64: ["NaN"], b: [{ hex: "" }], lf64: [["NaN"]] });
  expect(theirs).toMatchObject({ f32: [null], f64: [null], b: [null], lf64: [null] });
  expect(await session.cells(["all_types:f32", "all_types:b"], [{ id }])).toEqual([
    [
      ["NULL_VALUE", null],
      ["NULL_VALUE", null],
    ],
  ]);
}, 600_000);
