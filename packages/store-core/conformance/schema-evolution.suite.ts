import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { KeyType, ValueType } from "@larder/schema";
import { type RowFault, rowFaults } from "../src/diagnostics.ts";
import { definitionsOf } from "./definitions.ts";
import { START } from "./harness.ts";
import type { Rules } from "./rules.ts";
import { type Cell, MISSING, NULL, present, type Session, type World } from "./world.ts";

type Features = Readonly<Record<string, ValueType>>;

const OLD: Features = { a: "int64", b: "string", c: "float32", d: "list<int32>" };
const ROW = { a: 1n, b: "two", c: 3, d: [4, 5] };
const ENTITY = [{ customer_id: 1n }];

/** Rule 8: the schema travels with the row. */
export function schemaEvolution({ rule }: Rules): void {
  /** Rows of old processes read by new ones, and the other way round. */
  const evolves = (name: string, features: Features, newRow: typeof ROW | Readonly<Record<string, unknown>>) => {
    rule(`${name}: new processes read rows of old ones, old ones rows of new`, async (world) => {
      const before = await open(world, OLD);
      const after = await open(world, features);
      await before.write("v", [before.row("v", [1n], START, ROW)]);
      deepStrictEqual(
        await read(after, features),
        Object.keys(features).map((one) => cellOf(one, features, OLD, ROW)),
      );
      const row = after.row("v", [1n], START + 1, newRow as typeof ROW);
      deepStrictEqual(await after.outcomes("v", [row]), ["applied"]);
      deepStrictEqual(
        await read(before, OLD),
        Object.keys(OLD).map((one) => cellOf(one, OLD, features, newRow as typeof ROW)),
      );
      deepStrictEqual(
        await read(after, features),
        Object.keys(features).map((one) => cellOf(one, features, features, newRow as typeof ROW)),
      );
    });
  };

  evolves("a gained feature", { ...OLD, e: "string" }, { ...ROW, a: 10n, e: "five" });
  evolves(
    "gained features before, between and after",
    { y: "bytes", a: "int64", z: "bool", b: "string", c: "float32", d: "list<int32>", e: "float64" },
    { ...ROW, y: Uint8Array.of(1), z: true, e: 0.5, b: null },
  );
  evolves("a lost feature", { a: "int64", c: "float32", d: "list<int32>" }, { a: 10n, c: 30, d: [] });
  evolves("reordered features", { d: "list<int32>", c: "float32", b: "string", a: "int64" }, { ...ROW, b: "twenty" });
  evolves("a renamed feature", { a2: "int64", b: "string", c: "float32", d: "list<int32>" }, { ...ROW, a2: 10n });
  evolves("all features replaced", { x: "string" }, { x: "x" });
  evolves("a retyped feature", { ...OLD, a: "int32", c: "float64" }, { ...ROW, a: 10, c: 0.1 });

  rule("a retyped feature reads NOT_FOUND, and every row is reported", async (world) => {
    const before = await open(world, OLD);
    await before.write(
      "v",
      [1n, 2n].map((customer) => before.row("v", [customer], START, ROW)),
    );
    const after = await open(world, { ...OLD, a: "string", b: "list<string>" });
    const faults: RowFault[] = [];
    const listen = (fault: unknown) => faults.push(fault as RowFault);
    subscribe(rowFaults.name, listen);
    try {
      const cells = await after.cells(
        ["v:a", "v:c", "v:b"],
        [{ customer_id: 1n }, { customer_id: 2n }, { customer_id: 3n }],
      );
      const row = [MISSING, present(3), MISSING];
      deepStrictEqual(cells, [row, row, [MISSING, MISSING, MISSING]]);
    } finally {
      unsubscribe(rowFaults.name, listen);
    }
    deepStrictEqual(
      faults.map(({ kind, features }) => [kind, features.toSorted()]),
      Array(2).fill(["schema_mismatch", ["a", "b"]]),
    );
  });

  rule("a tensor of a retyped feature holds NaN, not the old bytes", async (world) => {
    const before = await open(world, OLD);
    await before.write("v", [before.row("v", [1n], START, ROW)]);
    const after = await open(world, { ...OLD, a: "float32" });
    const out = new Float32Array(1);
    (await after.read(after.plan("v:a"), ENTITY)).fillFloat32(0, out, 0, 1);
    deepStrictEqual([...out], [Number.NaN]);
  });

  rule("rows of several schemas are read in one batch", async (world) => {
    const schemas: readonly Features[] = [
      { a: "int64", b: "string" },
      { b: "string", a: "int64" },
      { b: "string" },
      { c: "list<string>", b: "string", a: "int64" },
    ];
    for (const [i, features] of schemas.entries()) {
      const session = await open(world, features);
      await session.write("v", [session.row("v", [BigInt(i)], START, { a: BigInt(i), b: `b${i}`, c: ["x", "y"] })]);
    }
    const reader = await open(world, { b: "string", a: "int64" });
    const entities = [3, 0, 2, 1, 0].map((i) => ({ customer_id: BigInt(i) }));
    deepStrictEqual(await reader.cells(["v:a", "v:b"], entities), [
      [present(3n), present("b3")],
      [present(0n), present("b0")],
      [MISSING, present("b2")],
      [present(1n), present("b1")],
      [present(0n), present("b0")],
    ]);
  });

  rule("newest wins between old and new processes that write at the same time", async (world) => {
    const before = await open(world, OLD);
    const after = await open(world, { e: "string", ...OLD });
    const writes = Array.from({ length: 60 }, (_, i) => {
      const session = i % 2 === 0 ? before : after;
      const time = START + ((i * 37) % 60);
      return session.write("v", [session.row("v", [BigInt(i % 3)], time, { ...ROW, a: BigInt(time), e: "e" })]);
    });
    await Promise.all(writes);
    for (const session of [before, after]) {
      const cells = await session.cells(
        ["v:a"],
        [0n, 1n, 2n].map((customer_id) => ({ customer_id })),
      );
      const newest = [0, 1, 2].map((key) =>
        Math.max(
          ...Array.from({ length: 60 }, (_, i) => i)
            .filter((i) => i % 3 === key)
            .map((i) => START + ((i * 37) % 60)),
        ),
      );
      deepStrictEqual(
        cells,
        newest.map((time) => [present(BigInt(time))]),
      );
    }
  });

  rule("a scan decodes rows of every schema for the definitions it has", async (world) => {
    const before = await open(world, OLD);
    await before.write("v", [before.row("v", [1n], START, ROW), before.row("v", [2n], START, undefined)]);
    const after = await open(world, { e: "string", b: "string", a: "int32" });
    const rows = await after.scan({ tenant: "default" });
    deepStrictEqual(
      rows.map(({ row }) => row?.values),
      [[undefined, "two", undefined], undefined],
    );
    deepStrictEqual(
      rows.map(({ retyped }) => retyped),
      [["a"], undefined],
    );
  });

  rule("null stays null and absent stays absent from one schema to the next", async (world) => {
    const before = await open(world, OLD, "absent");
    await before.write("v", [before.row("v", [1n], START, { a: null, c: 1 })]);
    const after = await open(world, { c: "float32", b: "string", a: "int64", e: "int64" });
    deepStrictEqual(await after.cells(["v:a", "v:b", "v:c", "v:e"], ENTITY), [[NULL, MISSING, present(1), MISSING]]);
  });

  rule("schemas outlive a reset, so that a running process reads what others write after it", async (world) => {
    const before = await open(world, OLD);
    const after = await open(world, { b: "string", a: "int64" });
    await before.write("v", [before.row("v", [1n], START, ROW)]);
    await after.write("v", [after.row("v", [2n], START, ROW)]);
    await after.reset({ tenant: "default" });
    await before.write("v", [before.row("v", [1n], START, ROW)]);
    const fresh = await open(world, { a: "int64" });
    for (const session of [after, fresh]) deepStrictEqual(await session.cells(["v:a"], ENTITY), [[present(1n)]]);
  });

  rule("rows of an entity that was defined otherwise are not mistaken for this one's", async (world) => {
    const before = await open(world, { a: "int64" }, "refuse", { customer_id: "int64" });
    await before.write("v", [before.row("v", [1n], START, { a: 5n })]);
    const renamed = await open(world, { a: "int64" }, "refuse", { account_id: "int64" });
    deepStrictEqual(await renamed.cells(["v:a"], [{ account_id: 1n }]), [[MISSING]]);
    const retyped = await open(world, { a: "int64" }, "refuse", { customer_id: "string" });
    deepStrictEqual(await retyped.cells(["v:a"], [{ customer_id: "1" }]), [[MISSING]]);
    strictEqual((await before.scan({ tenant: "default" })).length, 1);
  });
}

function open(
  world: World,
  features: Features,
  partialRows: "refuse" | "absent" = "refuse",
  joinKeys: Readonly<Record<string, KeyType>> = { customer_id: "int64" },
): Promise<Session> {
  return world.open(definitionsOf({ views: [{ name: "v", joinKeys, features, partialRows }] }));
}

async function read(session: Session, features: Features): Promise<readonly Cell[] | undefined> {
  const [row] = await session.cells(
    Object.keys(features).map((name) => `v:${name}`),
    ENTITY,
  );
  return row;
}

/** What a reader with `mine` sees of a row that was written with `theirs`. */
function cellOf(name: string, mine: Features, theirs: Features, row: Readonly<Record<string, unknown>>): Cell {
  if (theirs[name] !== mine[name]) return MISSING;
  const value = row[name] as Cell[1];
  return value === null ? NULL : present(value);
}
