import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { type FeatureRow, MAX_ONLINE_MICROS } from "@larder/schema";
import { SECOND, START } from "./harness.ts";
import { orderings } from "./orderings.ts";
import type { Rules } from "./rules.ts";
import { sameItems } from "./same-items.ts";
import { present, type Session } from "./world.ts";

const KEY = [7n];

/** Rule 1: newest wins, by a total order, in one atomic step. */
export function newestWins({ rule, capabilities }: Rules): void {
  /** `rows` are given from oldest to newest: every order of arrival must leave the last, with outcomes to match. */
  const wins = (name: string, rows: (session: Session) => readonly [FeatureRow, FeatureRow]) => {
    rule(`${name}, and comes first`, async (world) => {
      const session = await world.open();
      const [older, newer] = rows(session);
      deepStrictEqual(await session.outcomes("profile", [newer]), ["applied"]);
      deepStrictEqual(await session.outcomes("profile", [older]), ["stale"]);
      deepStrictEqual(await stored(session), newer);
    });
    rule(`${name}, and comes last`, async (world) => {
      const session = await world.open();
      const [older, newer] = rows(session);
      deepStrictEqual(await session.outcomes("profile", [older]), ["applied"]);
      deepStrictEqual(await session.outcomes("profile", [newer]), ["applied"]);
      deepStrictEqual(await stored(session), newer);
    });
  };

  wins("a later event time wins", (session) => [profile(session, START, "old"), profile(session, START + 1, "new")]);
  if (capabilities.createdTime) {
    wins("a later event time wins over a later created time", (session) => [
      profile(session, START, "old", START + 9 * SECOND),
      profile(session, START + 1, "new"),
    ]);
    wins("with equal event times a later created time wins", (session) => [
      profile(session, START, "z", START - 5),
      profile(session, START, "a", START - 4),
    ]);
    wins("an absent created time is below every other", (session) => [
      profile(session, START, "z"),
      profile(session, START, "a", -MAX_ONLINE_MICROS),
    ]);
    wins("with equal event times a later created time wins over a tombstone", (session) => [
      session.row("profile", KEY, START, undefined, START - 5),
      profile(session, START, "a", START - 4),
    ]);
    wins("with equal times a tombstone wins over a row", (session) => [
      profile(session, START, "\u{10ffff}", START),
      session.row("profile", KEY, START, undefined, START),
    ]);
    wins("with equal times and no created time a tombstone wins over a row", (session) => [
      profile(session, START, "\u{10ffff}"),
      session.row("profile", KEY, START, undefined),
    ]);
    ties({ rule });
  } else {
    equalTimesAreSkipped({ rule });
  }

  rule("rows of different times are no conflict", async (world) => {
    const session = await world.open();
    await session.write("profile", [profile(session, START, "a", START)]);
    const older = capabilities.createdTime ? profile(session, START, "b", START - 1) : profile(session, START - 1, "b");
    const rows = [older, profile(session, START + 1, "c", START)];
    const result = await session.write("profile", rows);
    deepStrictEqual(result, {
      outcomes: ["stale", "applied"],
      applied: 1,
      duplicate: 0,
      stale: 1,
      expired: 0,
      conflict: 0,
    });
  });

  rule("the same row again is a duplicate, and no conflict", async (world) => {
    const session = await world.open();
    const row = profile(session, START, "a", capabilities.createdTime ? START : undefined);
    await session.write("profile", [row]);
    const result = await session.write("profile", [row, row]);
    deepStrictEqual(result.outcomes, ["duplicate", "duplicate"]);
    deepStrictEqual([result.duplicate, result.conflict], [2, 0]);
    deepStrictEqual(await stored(session), row);
  });

  rule("times compare as numbers over their whole range", async (world) => {
    const session = await world.open();
    const times = [-MAX_ONLINE_MICROS, -(2 ** 40), -(2 ** 24), -1, 0, 1, 255, 256, 2 ** 24, 2 ** 32, 2 ** 48, START];
    for (const [index, time] of times.entries()) {
      const older = times.slice(0, index);
      deepStrictEqual(await session.outcomes("profile", [profile(session, time, "x")]), ["applied"]);
      const rows = older.map((other) => profile(session, other, "y"));
      deepStrictEqual(
        await session.outcomes("profile", rows),
        older.map(() => "stale"),
      );
      strictEqual((await stored(session))?.eventTime, time);
    }
  });

  rule("repeats and rivals within one batch are decided one after the other", async (world) => {
    const session = await world.open();
    const at = (seconds: number, plan: string) => profile(session, START + seconds * SECOND, plan);
    const rows = [at(2, "b"), at(1, "a"), at(2, "b"), at(3, "c"), at(2, "b"), at(3, "c")];
    const result = await session.write("profile", rows);
    deepStrictEqual(result.outcomes, ["applied", "stale", "duplicate", "applied", "stale", "duplicate"]);
    deepStrictEqual([result.applied, result.stale, result.duplicate, result.conflict], [2, 2, 2, 0]);
    deepStrictEqual(await stored(session), at(3, "c"));
  });

  rule("outcomes stand in the order of the rows, over more rows than one batch of the backend", async (world) => {
    const session = await world.open();
    const rows = (offset: number) =>
      Array.from({ length: 2_500 }, (_, i) =>
        session.row("profile", [BigInt(i)], START + (i % 2 === 0 ? offset : -offset), values(String(offset))),
      );
    await session.write("profile", rows(0));
    const result = await session.write("profile", rows(1));
    sameItems(
      result.outcomes,
      rows(1).map((_, i) => (i % 2 === 0 ? "applied" : "stale")),
    );
    deepStrictEqual([result.applied, result.stale, result.conflict], [1_250, 1_250, 0]);
  });

  rule("every order of arrival, with repeats, in batches or one by one, leaves the same row", async (world) => {
    const session = await world.open();
    const rows = ladder(session, capabilities.createdTime);
    for (const [index, order] of orderings(rows, 14).entries()) {
      if (index % 2 === 0) await session.write("profile", [...order, ...order.toReversed()]);
      else for (const row of order) await session.write("profile", [row]);
      deepStrictEqual(await stored(session), rows.at(-1));
      await session.reset({ tenant: "default" });
    }
  });

  rule("writers at the same time leave the newest row of every key", async (world) => {
    const sessions = await Promise.all([world.open(), world.open(), world.open()]);
    const [session] = sessions;
    const rows = Array.from({ length: 120 }, (_, i) =>
      session.row("profile", [BigInt(i % 4)], START + ((i * 101) % 120), values(`row ${i}`)),
    );
    const writes = rows.flatMap((row, i) => [
      sessions[i % 3]?.write("profile", [row]),
      sessions[(i + 1) % 3]?.write("profile", [row, rows[(i * 7) % 120] as FeatureRow]),
    ]);
    const results = await Promise.all(writes);
    deepStrictEqual(
      (await session.scan({ tenant: "default" })).map(({ row }) => row),
      newestOf(rows),
    );
    const answered = results.reduce(
      (sum, result) => sum + (result?.applied ?? 0) + (result?.stale ?? 0) + (result?.duplicate ?? 0),
      0,
    );
    strictEqual(answered, 360);
  });

  rule("each row of writers at the same time is applied once", async (world) => {
    const sessions = await Promise.all([world.open(), world.open()]);
    const row = sessions[0].row("profile", KEY, START, values("one"));
    const results = await Promise.all(Array.from({ length: 20 }, (_, i) => sessions[i % 2]?.write("profile", [row])));
    deepStrictEqual(results.flatMap((result) => result?.outcomes ?? []).sort(), [
      "applied",
      ...Array(19).fill("duplicate"),
    ]);
  });

  rule("an older row changes nothing that a reader sees", async (world) => {
    const session = await world.open();
    await session.write("profile", [profile(session, START, "new")]);
    await session.write("profile", [profile(session, START - 1, "old")]);
    deepStrictEqual(await session.cell("profile:plan", 7n), present("new"));
    deepStrictEqual(await session.cell("profile:visits", 7n), present(3n));
  });
}

/** The order goes on where times end. */
function ties({ rule }: Pick<Rules, "rule">): void {
  rule("with equal times and kind the greater bytes win in both orders, counted as a conflict", async (world) => {
    const session = await world.open();
    const rows = [profile(session, START, "a", START), profile(session, START, "b", START)];
    const winners: (FeatureRow | undefined)[] = [];
    for (const order of [rows, rows.toReversed()]) {
      const first = await session.write("profile", order.slice(0, 1));
      const second = await session.write("profile", order.slice(1));
      deepStrictEqual([first.applied, first.conflict], [1, 0]);
      strictEqual(second.conflict, 1);
      strictEqual(second.applied + second.stale, 1);
      winners.push(await stored(session));
      await session.reset({ tenant: "default" });
    }
    deepStrictEqual(winners[0], winners[1]);
  });
}

/** Without created times the first of two rows of one time stays, whatever the other is. */
function equalTimesAreSkipped({ rule }: Pick<Rules, "rule">): void {
  rule("a row of an equal event time is stale, a conflict where it is another row", async (world) => {
    const session = await world.open();
    const first = profile(session, START, "b");
    await session.write("profile", [first]);
    for (const plan of ["a", "c"]) {
      const result = await session.write("profile", [profile(session, START, plan, START)]);
      deepStrictEqual([result.outcomes, result.conflict], [["stale"], 1]);
    }
    const deletion = await session.write("profile", [session.row("profile", KEY, START, undefined)]);
    deepStrictEqual([deletion.outcomes, deletion.conflict], [["stale"], 0]);
    deepStrictEqual(await stored(session), first);
  });

  rule("a row of the event time of a deletion is stale", async (world) => {
    const session = await world.open();
    const deletion = session.row("profile", KEY, START, undefined);
    await session.write("profile", [deletion]);
    const result = await session.write("profile", [profile(session, START, "a")]);
    deepStrictEqual([result.outcomes, result.conflict], [["stale"], 0]);
    deepStrictEqual(await stored(session), deletion);
  });
}

function values(plan: string) {
  return { tenure: 1.5, plan, active: true, visits: 3n };
}

function profile(session: Session, eventTime: number, plan: string, createdTime?: number): FeatureRow {
  return session.row("profile", KEY, eventTime, values(plan), createdTime);
}

/** Rows of one key, each greater than the one before it. */
function ladder(session: Session, createdTimes: boolean): readonly FeatureRow[] {
  if (!createdTimes) {
    return [-3, -2, -1, 0].map((micros) =>
      session.row("profile", KEY, START + micros, micros % 2 === 0 ? undefined : values("x")),
    );
  }
  const created = [undefined, -1, START];
  return [START - SECOND, START].flatMap((eventTime) =>
    created.flatMap((createdTime) => [
      session.row("profile", KEY, eventTime, values("x"), createdTime),
      session.row("profile", KEY, eventTime, undefined, createdTime),
    ]),
  );
}

/** The newest row per key, by event time alone, in the order of the keys. */
function newestOf(rows: readonly FeatureRow[]): FeatureRow[] {
  const newest = new Map<string, FeatureRow>();
  for (const row of rows) {
    const key = String(row.entityKey[0]);
    const best = newest.get(key);
    if (best === undefined || row.eventTime > best.eventTime) newest.set(key, row);
  }
  return [...newest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

/** The one row of {@link KEY}. */
async function stored(session: Session): Promise<FeatureRow | undefined> {
  const rows = await session.scan({ tenant: "default", view: "profile", entityKey: session.entityKey("profile", KEY) });
  strictEqual(rows.length, 1);
  return rows[0]?.row;
}
