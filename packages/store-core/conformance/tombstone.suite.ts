import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { DAY, HOUR, MINUTE, SECOND, START } from "./harness.ts";
import type { Rules } from "./rules.ts";
import { MISSING, present, type Session } from "./world.ts";

const FEATURES = ["usage:minutes", "usage:note"];

/** Rule 2: a deletion is a row without values, and lives as long as any row it could beat. */
export function tombstone({ rule, capabilities }: Rules): void {
  rule("a deleted row reads NOT_FOUND in every feature, allowStale or not", async (world) => {
    const session = await world.open();
    await session.write("usage", [usage(session, 1n, START, 5)]);
    deepStrictEqual(await session.outcomes("usage", [deletion(session, 1n, START + 1)]), ["applied"]);
    for (const allowStale of [false, true]) {
      deepStrictEqual(await session.cells(FEATURES, [{ customer_id: 1n }], { allowStale }), [[MISSING, MISSING]]);
    }
  });

  rule("a deletion refuses older rows and gives way to newer ones", async (world) => {
    const session = await world.open();
    await session.write("usage", [deletion(session, 1n, START)]);
    deepStrictEqual(await session.outcomes("usage", [usage(session, 1n, START - SECOND, 5)]), ["stale"]);
    deepStrictEqual(await session.outcomes("usage", [usage(session, 1n, START, 6)]), ["stale"]);
    deepStrictEqual(await session.cell("usage:minutes", 1n), MISSING);
    deepStrictEqual(await session.outcomes("usage", [usage(session, 1n, START + 1, 7)]), ["applied"]);
    deepStrictEqual(await session.cell("usage:minutes", 1n), present(7));
  });

  rule("a deletion older than the row is stale and deletes nothing", async (world) => {
    const session = await world.open();
    await session.write("usage", [usage(session, 1n, START, 5)]);
    deepStrictEqual(await session.outcomes("usage", [deletion(session, 1n, START - 1)]), ["stale"]);
    deepStrictEqual(await session.cell("usage:minutes", 1n), present(5));
  });

  rule("a deletion again is a duplicate, a later one is applied", async (world) => {
    const session = await world.open();
    const rows = [deletion(session, 1n, START), deletion(session, 1n, START), deletion(session, 1n, START + 1)];
    deepStrictEqual(await session.outcomes("usage", rows), ["applied", "duplicate", "applied"]);
  });

  rule("a deletion touches its view and entity only", async (world) => {
    const session = await world.open();
    await session.write("usage", [usage(session, 1n, START, 5), usage(session, 12n, START, 6)]);
    await session.write("brief", [session.row("brief", [1n], START, { x: 9 })]);
    await session.write("usage", [deletion(session, 1n, START + 1)]);
    deepStrictEqual(await session.cells(["usage:minutes", "brief:x"], [{ customer_id: 1n }, { customer_id: 12n }]), [
      [MISSING, present(9)],
      [present(6), MISSING],
    ]);
  });

  if (capabilities.tenants) {
    rule("a deletion touches its tenant only", async (world) => {
      const session = await world.open();
      await session.write("usage", [usage(session, 1n, START, 5)]);
      await session.write("usage", [deletion(session, 1n, START + 1)], { tenant: "acme" });
      deepStrictEqual(await session.cell("usage:minutes", 1n), present(5));
      deepStrictEqual(await session.cell("usage:minutes", 1n, { tenant: "acme" }), MISSING);
    });
  }

  rule("with a TTL a deletion holds until no older row could be written", async (world) => {
    const session = await world.open();
    await session.write("usage", [deletion(session, 1n, START)]);
    for (const after of [HOUR, HOUR + 1, 90 * MINUTE - 1, 90 * MINUTE, 90 * MINUTE + 1, DAY]) {
      world.clock.set(START + after);
      const [outcome] = await session.outcomes("usage", [usage(session, 1n, START - 1, 5)]);
      strictEqual(outcome, after < 90 * MINUTE ? "stale" : "expired");
      deepStrictEqual(await session.cell("usage:minutes", 1n, { allowStale: true }), MISSING);
    }
  });

  rule("without a TTL a deletion holds for the view's retention", async (world) => {
    const session = await world.open();
    const row = session.row("profile", [1n], START - 1, { tenure: 1, plan: "x", active: true, visits: 1n });
    await session.write("profile", [session.row("profile", [1n], START, undefined)]);
    for (const after of [DAY, 30 * DAY - 1]) {
      world.clock.set(START + after);
      deepStrictEqual(await session.outcomes("profile", [row]), ["stale"]);
      deepStrictEqual(await session.cell("profile:plan", 1n), MISSING);
    }
  });

  rule("a deletion of an old event without a TTL holds for the retention from its write on", async (world) => {
    const session = await world.open();
    const old = START - 400 * DAY;
    const row = session.row("profile", [1n], old - 1, { tenure: 1, plan: "x", active: true, visits: 1n });
    await session.write("profile", [session.row("profile", [1n], old, undefined)]);
    world.clock.set(START + 30 * DAY - 1);
    deepStrictEqual(await session.outcomes("profile", [row]), ["stale"]);
  });

  rule("a scan shows deletions as rows without values", async (world) => {
    const session = await world.open();
    const row = deletion(session, 1n, START);
    await session.write("usage", [row]);
    deepStrictEqual(
      (await session.scan({ tenant: "default" })).map((found) => found.row),
      [row],
    );
  });
}

function usage(session: Session, customer: bigint, eventTime: number, minutes: number) {
  return session.row("usage", [customer], eventTime, { minutes, note: "n" });
}

function deletion(session: Session, customer: bigint, eventTime: number) {
  return session.row("usage", [customer], eventTime, undefined);
}
