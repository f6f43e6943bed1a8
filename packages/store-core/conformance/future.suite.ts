import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { isLarderError } from "@larder/schema";
import { DAY, HOUR, START } from "./harness.ts";
import type { Rules } from "./rules.ts";
import { MISSING, present, type Session } from "./world.ts";

/** Rule 5: an event time further ahead than max_future is refused. The view `usage` allows an hour, `punctual` nothing. */
export function future({ rule }: Rules): void {
  rule("a row at max_future itself is taken, a microsecond later it is refused", async (world) => {
    const session = await world.open();
    deepStrictEqual(await session.outcomes("usage", [usage(session, 1n, START + HOUR)]), ["applied"]);
    await refused(session.write("usage", [usage(session, 1n, START + HOUR + 1)]), [0]);
    deepStrictEqual(await session.outcomes("punctual", [session.row("punctual", [1n], START, { x: 1 })]), ["applied"]);
    await refused(session.write("punctual", [session.row("punctual", [1n], START + 1, { x: 1 })]), [0]);
  });

  rule("one row from the future refuses the whole write, and every such row is named", async (world) => {
    const session = await world.open();
    const rows = [START, START + DAY, START - 1, START + HOUR + 1, START + HOUR].map((eventTime, i) =>
      usage(session, BigInt(i), eventTime),
    );
    await refused(session.write("usage", rows), [1, 3]);
    deepStrictEqual(await session.scan({ tenant: "default" }), []);
  });

  rule("a deletion from the future is refused too", async (world) => {
    const session = await world.open();
    await session.write("usage", [usage(session, 1n, START)]);
    await refused(session.write("usage", [session.row("usage", [1n], START + HOUR + 1, undefined)]), [0]);
    deepStrictEqual(await session.cell("usage:minutes", 1n), present(5));
  });

  rule("a refused row is taken once the clock has come near it", async (world) => {
    const session = await world.open();
    const row = usage(session, 1n, START + DAY);
    await refused(session.write("usage", [row]), [0]);
    deepStrictEqual(await session.cell("usage:minutes", 1n), MISSING);
    world.clock.set(START + DAY - HOUR);
    deepStrictEqual(await session.outcomes("usage", [row]), ["applied"]);
  });

  rule("a row from the future is refused whatever is stored", async (world) => {
    const session = await world.open();
    world.clock.set(START + DAY);
    await session.write("usage", [usage(session, 1n, START + DAY + HOUR)]);
    world.clock.set(START);
    await refused(session.write("usage", [usage(session, 1n, START + DAY)]), [0]);
  });
}

async function refused(write: Promise<unknown>, rows: readonly number[]): Promise<void> {
  await rejects(write, (error) => {
    strictEqual(isLarderError(error, "INVALID_ROWS"), true, String(error));
    deepStrictEqual(isLarderError(error) && error.facts["rows"], rows);
    return true;
  });
}

function usage(session: Session, customer: bigint, eventTime: number) {
  return session.row("usage", [customer], eventTime, { minutes: 5, note: "n" });
}
