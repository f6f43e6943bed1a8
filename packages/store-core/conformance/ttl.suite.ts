import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { DAY, HOUR, MINUTE, START } from "./harness.ts";
import type { Rules } from "./rules.ts";
import { MISSING, present, type Session, TOO_OLD } from "./world.ts";

const KEEP_STALE_END = 90 * MINUTE;

/** Rule 4: the TTL counts from event time. The view `usage` has a TTL of an hour and keeps rows half an hour longer. */
export function ttl({ rule, capabilities }: Rules): void {
  rule("a row is PRESENT at the boundary itself and OUTSIDE_MAX_AGE a microsecond later", async (world) => {
    const session = await world.open();
    await session.write("usage", [usage(session, 1n, START, 5)]);
    world.clock.set(START + HOUR);
    deepStrictEqual(await session.cell("usage:minutes", 1n), present(5));
    world.clock.set(START + HOUR + 1);
    deepStrictEqual(await session.cell("usage:minutes", 1n), TOO_OLD);
  });

  rule("the boundary is the row's own even when nothing is kept past it", async (world) => {
    const session = await world.open();
    await session.write("brief", [session.row("brief", [1n], START, { x: 5 })]);
    world.clock.set(START + HOUR);
    deepStrictEqual(await session.cell("brief:x", 1n), present(5));
    world.clock.set(START + HOUR + 1);
    const [status, value] = await session.cell("brief:x", 1n);
    ok(status === "OUTSIDE_MAX_AGE" || status === "NOT_FOUND", status);
    strictEqual(value, null);
  });

  rule("allowStale hands out the value, with its status", async (world) => {
    const session = await world.open();
    await session.write("usage", [usage(session, 1n, START, 5)]);
    world.clock.set(START + HOUR + 1);
    deepStrictEqual(await session.cell("usage:minutes", 1n, { allowStale: true }), ["OUTSIDE_MAX_AGE", 5]);
    const plan = session.plan("usage:minutes");
    for (const [allowStale, expected] of [
      [true, 5],
      [false, Number.NaN],
    ] as const) {
      const out = new Float32Array(1);
      (await session.read(plan, [{ customer_id: 1n }], { allowStale })).fillFloat32(0, out, 0, 1);
      deepStrictEqual([...out], [expected]);
    }
  });

  rule("a null that is too old reads OUTSIDE_MAX_AGE", async (world) => {
    const session = await world.open();
    await session.write("usage", [session.row("usage", [1n], START, { minutes: null, note: "x" })]);
    world.clock.set(START + HOUR + 1);
    deepStrictEqual(await session.cell("usage:minutes", 1n), TOO_OLD);
    deepStrictEqual(await session.cell("usage:minutes", 1n, { allowStale: true }), TOO_OLD);
  });

  rule("a row stays OUTSIDE_MAX_AGE through keep_stale, then its value is gone", async (world) => {
    const session = await world.open();
    await session.write("usage", [usage(session, 1n, START, 5)]);
    for (const after of [HOUR + 1, HOUR + 15 * MINUTE, KEEP_STALE_END - 1, KEEP_STALE_END]) {
      world.clock.set(START + after);
      deepStrictEqual(await session.cell("usage:minutes", 1n), TOO_OLD);
      deepStrictEqual(await session.cell("usage:minutes", 1n, { allowStale: true }), ["OUTSIDE_MAX_AGE", 5]);
    }
    for (const after of [KEEP_STALE_END + 1, DAY]) {
      world.clock.set(START + after);
      const [status, value] = await session.cell("usage:minutes", 1n);
      ok(status === "OUTSIDE_MAX_AGE" || status === "NOT_FOUND", status);
      strictEqual(value, null);
    }
  });

  rule("age counts from event time, not from the write", async (world) => {
    const session = await world.open();
    await session.write("usage", [usage(session, 1n, START - 50 * MINUTE, 5)]);
    world.clock.set(START + 10 * MINUTE);
    deepStrictEqual(await session.cell("usage:minutes", 1n), present(5));
    world.clock.set(START + 10 * MINUTE + 1);
    deepStrictEqual(await session.cell("usage:minutes", 1n), TOO_OLD);
  });

  rule("a newer row lives by its own event time", async (world) => {
    const session = await world.open();
    await session.write("usage", [usage(session, 1n, START, 5)]);
    world.clock.set(START + HOUR);
    await session.write("usage", [usage(session, 1n, START + HOUR, 6), usage(session, 1n, START + 1, 7)]);
    world.clock.set(START + 2 * HOUR);
    deepStrictEqual(await session.cell("usage:minutes", 1n), present(6));
  });

  rule("rows of one entity in several views age apart", async (world) => {
    const session = await world.open();
    await session.write("brief", [session.row("brief", [1n], START, { x: 1 })]);
    await session.write("usage", [usage(session, 1n, START + 30 * MINUTE, 2)]);
    await session.write("profile", [
      session.row("profile", [1n], START, { tenure: 3, plan: "", active: true, visits: 0n }),
    ]);
    world.clock.set(START + 90 * MINUTE);
    const [row] = await session.cells(["usage:minutes", "profile:tenure"], [{ customer_id: 1n }]);
    deepStrictEqual(row, [present(2), present(3)]);
    strictEqual((await session.cell("brief:x", 1n))[1], null);
  });

  rule("without a TTL a row is PRESENT for ever", async (world) => {
    const session = await world.open();
    await session.write("profile", [
      session.row("profile", [1n], START, { tenure: 1, plan: "", active: true, visits: 0n }),
    ]);
    world.clock.set(START + 40 * 365 * DAY);
    deepStrictEqual(await session.cell("profile:tenure", 1n), present(1));
  });

  rule("the clock may go back: age is a matter of the read", async (world) => {
    const session = await world.open();
    await session.write("usage", [usage(session, 1n, START, 5)]);
    world.clock.set(START + HOUR + 1);
    deepStrictEqual(await session.cell("usage:minutes", 1n), TOO_OLD);
    world.clock.set(START + HOUR);
    deepStrictEqual(await session.cell("usage:minutes", 1n), present(5));
  });

  rule("a row past TTL and keep_stale at its write is expired and not stored", async (world) => {
    const session = await world.open();
    const rows = [
      usage(session, 1n, START - KEEP_STALE_END, 1),
      usage(session, 2n, START - KEEP_STALE_END - 1, 2),
      usage(session, 3n, START, 3),
    ];
    const result = await session.write("usage", rows);
    deepStrictEqual(result.outcomes, ["applied", "expired", "applied"]);
    deepStrictEqual([result.applied, result.expired], [2, 1]);
    deepStrictEqual(await session.cell("usage:minutes", 1n), TOO_OLD);
    deepStrictEqual(await session.cell("usage:minutes", 2n), MISSING);
    strictEqual((await session.scan({ tenant: "default" })).length, 2);
  });

  rule("an expired row leaves the stored one as it is", async (world) => {
    const session = await world.open();
    await session.write("usage", [usage(session, 1n, START, 5)]);
    deepStrictEqual(await session.outcomes("usage", [usage(session, 1n, START - DAY, 6)]), ["expired"]);
    deepStrictEqual(await session.cell("usage:minutes", 1n), present(5));
  });

  rule("outcomes of a mixed batch stand in the order of its rows", async (world) => {
    const session = await world.open();
    await session.write("usage", [usage(session, 1n, START, 5)]);
    const rows = [
      usage(session, 9n, START - DAY, 0),
      usage(session, 1n, START, 5),
      usage(session, 1n, START - 1, 6),
      usage(session, 8n, START - DAY, 0),
      usage(session, 2n, START, 7),
    ];
    deepStrictEqual(await session.outcomes("usage", rows), ["expired", "duplicate", "stale", "expired", "applied"]);
  });

  if (!capabilities.tenants) return;

  rule("a tenant's own TTL holds for that tenant alone, at reads", async (world) => {
    const session = await world.open();
    for (const tenant of ["default", "acme", "beta"]) {
      await session.write("usage", [usage(session, 1n, START, 5)], { tenant });
    }
    const at = async (after: number) => {
      world.clock.set(START + after);
      const cells = ["acme", "default", "beta"].map((tenant) => session.cell("usage:minutes", 1n, { tenant }));
      return (await Promise.all(cells)).map(([status]) => status);
    };
    deepStrictEqual(await at(10 * MINUTE), ["PRESENT", "PRESENT", "PRESENT"]);
    deepStrictEqual(await at(10 * MINUTE + 1), ["OUTSIDE_MAX_AGE", "PRESENT", "PRESENT"]);
    deepStrictEqual((await at(HOUR + 1)).slice(1), ["OUTSIDE_MAX_AGE", "PRESENT"]);
    deepStrictEqual((await at(2 * HOUR)).slice(2), ["PRESENT"]);
    deepStrictEqual((await at(2 * HOUR + 1)).slice(2), ["OUTSIDE_MAX_AGE"]);
  });

  rule("a tenant's own TTL holds for that tenant alone, at writes", async (world) => {
    const session = await world.open();
    const row = [usage(session, 1n, START - HOUR, 5)];
    deepStrictEqual(await session.outcomes("usage", row, { tenant: "acme" }), ["expired"]);
    deepStrictEqual(await session.outcomes("usage", row), ["applied"]);
    deepStrictEqual(await session.outcomes("usage", row, { tenant: "beta" }), ["applied"]);
    const old = [usage(session, 2n, START - 2 * HOUR, 5)];
    deepStrictEqual(await session.outcomes("usage", old), ["expired"]);
    deepStrictEqual(await session.outcomes("usage", old, { tenant: "beta" }), ["applied"]);
  });
}

function usage(session: Session, customer: bigint, eventTime: number, minutes: number) {
  return session.row("usage", [customer], eventTime, { minutes, note: "n" });
}
