import { join } from "node:path";
import { MAX_ONLINE_MICROS } from "@larder/schema";
import { openOnlineStore } from "@larder/store-core";
import { logicalClock, propertySettings, temporaryFolder } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { materialize } from "../src/materialize.ts";
import { materializeIncremental } from "../src/materialize-incremental.ts";
import { definitionsIn, makeFolders, micros, rowsOf } from "./fixture.ts";
import { writeParquet } from "./parquet.ts";

/** Times are in steps of half an hour, of which a round has ten; the lookback is two steps. */
const STEP = 1_800_000_000;
const ROUND = 10;
const LOOKBACK_STEPS = 2;
const START = micros("2024-01-01T00:00:00Z");

/** A row that reaches the files at the end of a round. */
interface Arrival {
  readonly key: number;
  /** Steps that its event lies back, from the round's end: any number, so that most are late. */
  readonly age: number;
  /** Steps that its created time lies back: at most the lookback. */
  readonly delay: number;
  readonly price: number;
}

/** What is run at the end of a round. */
type Run =
  | { readonly kind: "incremental" /** Steps from now, ahead or back. */; readonly end: number }
  | { readonly kind: "window"; readonly from: number; readonly steps: number };

const arrival = fc.record<Arrival>({
  key: fc.integer({ min: 1, max: 4 }),
  age: fc.integer({ min: 0, max: 60 }),
  delay: fc.integer({ min: 0, max: LOOKBACK_STEPS - 1 }),
  price: fc.integer({ min: 0, max: 3 }),
});

const run: fc.Arbitrary<Run> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("incremental" as const), end: fc.integer({ min: -30, max: 15 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("window" as const),
      from: fc.integer({ min: -40, max: 0 }),
      steps: fc.integer({ min: 0, max: 40 }),
    }),
  },
);

const rounds = fc.array(
  fc.record({ rows: fc.array(arrival, { maxLength: 4 }), runs: fc.array(run, { maxLength: 2 }) }),
  {
    minLength: 1,
    maxLength: 5,
  },
);

test("incremental runs, whatever windows are run between them, leave what one run over everything leaves", async () => {
  const property = fc.asyncProperty(rounds, async (history) => {
    await using folder = await temporaryFolder();
    await makeFolders(folder.path);
    const definitions = definitionsIn(folder.path);
    const clock = logicalClock(START);
    await using store = await openOnlineStore(definitions, { clock });
    const request = { views: ["plans"], tenant: "default" };
    // An empty source has no columns; this row is every history's first.
    await writeParquet(
      join(folder.path, "data/plans/first.parquet"),
      sql([{ key: 1, age: 90, delay: 0, price: 0 }], START),
    );
    await materializeIncremental({ definitions, store, clock }, { ...request, end: START });
    for (const [index, { rows, runs }] of [
      ...history,
      { rows: [], runs: [{ kind: "incremental", end: 0 } as Run] },
    ].entries()) {
      clock.advance(ROUND * STEP);
      const now = clock.now();
      if (rows.length > 0) await writeParquet(join(folder.path, `data/plans/${index}.parquet`), sql(rows, now));
      for (const each of runs) {
        if (each.kind === "incremental") {
          const end = now + each.end * STEP;
          await materializeIncremental(
            { definitions, store, clock },
            { ...request, end, lookback: LOOKBACK_STEPS * STEP },
          );
        } else {
          const start = now + each.from * STEP;
          await materialize({ definitions, store, clock }, { ...request, start, end: start + each.steps * STEP });
        }
      }
    }
    await using whole = await openOnlineStore(definitions, { clock });
    const everything = { start: -MAX_ONLINE_MICROS, end: clock.now() };
    await materialize({ definitions, store: whole, clock }, { ...request, ...everything });
    expect(await rowsOf(store, "plans")).toEqual(await rowsOf(whole, "plans"));
  });
  await fc.assert(property, propertySettings(6));
});

function sql(rows: readonly Arrival[], now: number): string {
  const time = (steps: number) => `make_timestamp(${now - steps * STEP})`;
  const tuples = rows.map(
    ({ key, age, delay, price }) => `(${key}::BIGINT, ${time(age)}, ${time(delay)}, false, ${price}::BIGINT, 'x')`,
  );
  return `SELECT * FROM (VALUES ${tuples.join(", ")}) t(customer_id, event_timestamp, created, deleted, price, plan)`;
}
