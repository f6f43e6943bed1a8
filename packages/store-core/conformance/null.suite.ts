import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { type FeatureValue, isLarderError, type ScalarType } from "@larder/schema";
import { START } from "./harness.ts";
import type { Rules } from "./rules.ts";
import { MISSING, NULL, present, type Session, type Values } from "./world.ts";

const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, i) => i);
const LONG_TEXT = "λ\u{1f600}\0\n".repeat(20_000);

/** Values that have been taken for null, for false or for something else before. */
const VALUES: Readonly<Record<ScalarType, readonly Exclude<FeatureValue, null>[]>> = {
  int32: [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)],
  int64: [0n, 1n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)],
  float32: [0, -0, Number.NaN, Infinity, -Infinity, 1.5, Math.fround(0.1), 2 ** -149, Math.fround(3.4e38)],
  float64: [0, -0, Number.NaN, Infinity, -Infinity, 0.1, Number.MIN_VALUE, Number.MAX_VALUE, 2 ** 53 + 2],
  bool: [false, true],
  string: ["", " ", "null", "\0", "a\0b", "\u{1f600}", "e\u0301", "\ufeff", "\n", LONG_TEXT],
  bytes: [new Uint8Array(0), Uint8Array.of(0), Uint8Array.of(0, 0), ALL_BYTES, new Uint8Array(100_000).fill(7)],
  unix_timestamp: [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)],
};

const TYPES = Object.keys(VALUES) as ScalarType[];

/** Rule 3: null is a value, zero values are values, and a write replaces its view's row as a whole. */
export function nullValue({ rule }: Rules): void {
  rule("null of every type reads NULL_VALUE", async (world) => {
    const session = await world.open();
    await session.write("types", [session.row("types", [1n], START, everyType(session, null, null))]);
    const [row] = await session.cells(typeReferences(session), [{ customer_id: 1n }]);
    deepStrictEqual(
      row,
      typeReferences(session).map(() => NULL),
    );
  });

  for (const type of TYPES) {
    rule(`every ${type} reads as it was written`, async (world) => {
      const session = await world.open();
      for (const value of VALUES[type]) {
        await session.write("types", [
          session.row("types", [1n], world.clock.now(), everyTypeWith(session, `t_${type}`, value)),
        ]);
        deepStrictEqual(await session.cell(`types:t_${type}`, 1n), present(value));
        world.clock.set(world.clock.now() + 1);
      }
    });

    rule(`a list of ${type} reads as it was written, empty too`, async (world) => {
      const session = await world.open();
      const items = VALUES[type] as readonly (number | bigint | boolean | string | Uint8Array)[];
      for (const value of [[], items.slice(0, 1), items, [...items, ...items.toReversed()]]) {
        await session.write("types", [
          session.row("types", [1n], world.clock.now(), everyTypeWith(session, `l_${type}`, value)),
        ]);
        deepStrictEqual(await session.cell(`types:l_${type}`, 1n), present(value));
        world.clock.set(world.clock.now() + 1);
      }
    });
  }

  rule("values of all types stand side by side, null among them", async (world) => {
    const session = await world.open();
    for (let nulls = 0; nulls < 16; nulls += 3) {
      const names = session.plan(...typeReferences(session)).columns.map(({ ref }) => ref.feature.name);
      const values = Object.fromEntries(
        names.map((name, i): [string, FeatureValue] => {
          const all = VALUES[name.slice(2) as ScalarType] as readonly (
            | number
            | bigint
            | boolean
            | string
            | Uint8Array
          )[];
          if ((i + nulls) % 3 === 0) return [name, null];
          return [name, name.startsWith("l_") ? all : (all[i % all.length] ?? null)];
        }),
      );
      await session.write("types", [session.row("types", [BigInt(nulls)], START, values)]);
      const [row] = await session.cells(typeReferences(session), [{ customer_id: BigInt(nulls) }]);
      deepStrictEqual(
        row,
        names.map((name) => (values[name] === null ? NULL : present(values[name] ?? null))),
      );
    }
  });

  rule("an entity that was never written reads NOT_FOUND, not NULL_VALUE", async (world) => {
    const session = await world.open();
    await session.write("types", [session.row("types", [1n], START, everyType(session, null, null))]);
    deepStrictEqual(await session.cell("types:t_string", 2n), MISSING);
  });

  rule("a write replaces the row as a whole", async (world) => {
    const session = await world.open();
    await session.write("profile", [profile(session, START, { tenure: 1, plan: "a", active: true, visits: 1n })]);
    await session.write("profile", [
      profile(session, START + 1, { tenure: null, plan: "b", active: null, visits: 2n }),
    ]);
    const references = ["profile:tenure", "profile:plan", "profile:active", "profile:visits"];
    deepStrictEqual(await session.cells(references, [{ customer_id: 1n }]), [[NULL, present("b"), NULL, present(2n)]]);
  });

  rule("absent features read NOT_FOUND and are not filled in from an older row", async (world) => {
    const session = await world.open();
    const references = ["partial:a", "partial:b", "partial:c"];
    const entity = [{ customer_id: 1n }];
    await session.write("partial", [session.row("partial", [1n], START, { a: 1n, b: "x" })]);
    deepStrictEqual(await session.cells(references, entity), [[present(1n), present("x"), MISSING]]);
    await session.write("partial", [session.row("partial", [1n], START + 1, { b: null, c: [] })]);
    deepStrictEqual(await session.cells(references, entity), [[MISSING, NULL, present([])]]);
    await session.write("partial", [session.row("partial", [1n], START + 2, {})]);
    deepStrictEqual(await session.cells(references, entity), [[MISSING, MISSING, MISSING]]);
  });

  rule("a row that lacks a feature refuses the whole write and names the rows", async (world) => {
    const session = await world.open();
    const whole = { tenure: 1, plan: "a", active: true, visits: 1n };
    const rows = [whole, { tenure: 1 }, whole, { plan: "x" }].map((values, i) =>
      session.row("profile", [BigInt(i)], START, values),
    );
    await rejects(session.write("profile", rows), (error) => {
      strictEqual(isLarderError(error, "INVALID_ROWS"), true);
      deepStrictEqual(isLarderError(error) && error.facts["rows"], [1, 3]);
      return true;
    });
    deepStrictEqual(await session.scan({ tenant: "default" }), []);
  });

  rule("a tensor gets numbers and bools as float32, NaN where there is no value", async (world) => {
    const session = await world.open();
    const row = (customer: bigint, values: Values) => session.row("profile", [customer], START, values);
    await session.write("profile", [
      row(1n, { tenure: 0.1, plan: "a", active: true, visits: 2n ** 24n + 1n }),
      row(2n, { tenure: null, plan: "a", active: false, visits: -3n }),
      row(3n, undefined),
    ]);
    const plan = session.plan("profile:tenure", "profile:active", "profile:visits");
    const batch = await session.read(
      plan,
      [1n, 2n, 3n, 4n].map((customer_id) => ({ customer_id })),
    );
    const out = new Float32Array(14).fill(-1);
    for (const column of [0, 1, 2]) batch.fillFloat32(column, out, 1 + column, 3);
    const none = [Number.NaN, Number.NaN, Number.NaN];
    const expected = [Math.fround(0.1), 1, 2 ** 24, Number.NaN, 0, -3, ...none, ...none];
    deepStrictEqual([...out], [-1, ...expected, -1]);
  });
}

function profile(session: Session, eventTime: number, values: Values) {
  return session.row("profile", [1n], eventTime, values);
}

function typeReferences(session: Session): readonly string[] {
  return [...(session.definitions.views.get("types")?.features ?? [])].map(({ name }) => `types:${name}`);
}

/** A row of `types` with one value for all scalars and one for all lists. */
function everyType(session: Session, scalar: FeatureValue, list: FeatureValue): Readonly<Record<string, FeatureValue>> {
  const names = session.definitions.views.get("types")?.features ?? [];
  return Object.fromEntries(names.map(({ name }) => [name, name.startsWith("l_") ? list : scalar]));
}

function everyTypeWith(session: Session, name: string, value: FeatureValue): Readonly<Record<string, FeatureValue>> {
  return { ...everyType(session, null, null), [name]: value };
}
