import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import type { Verdict } from "../../src/why/verdict.ts";
import { plainTerminal } from "../cli/plain-terminal.ts";
import { MINUTE, type WhyWorld, whyWorld } from "./world.ts";

/** A store to explain, and what a test can do to it from outside. */
export interface WhyHarness {
  /** The yaml of `online_store`. */
  readonly store: () => string;
  /** undefined: a store that ends with the process, which nobody else can write to or open again. */
  readonly outside: OutsideHands | undefined;
}

/** What somebody else does to the store. */
export interface OutsideHands {
  /** Makes the row of a customer in a view unreadable. */
  breakRow(world: WhyWorld, view: string, customer: number): Promise<void>;
  /** Removes every row schema. */
  loseSchemas(world: WhyWorld): Promise<void>;
}

/** What is expected of one customer of `plans`; times in minutes from the start. */
interface State {
  readonly id: number;
  readonly verdict: Verdict;
  readonly status: string;
  readonly what: (world: WhyWorld) => string;
  readonly also?: readonly Verdict[];
  readonly commands?: (world: WhyWorld) => readonly string[];
}

const STATES: readonly State[] = [
  {
    id: 1,
    verdict: "present",
    status: "PRESENT",
    what: ({ at }) => `The stored row of ${at(-10)} (10m ago, created ${at(-9)}) says 10; its TTL of 1h ends in 50m`,
  },
  {
    id: 2,
    verdict: "null",
    status: "NULL_VALUE",
    what: ({ at }) => `The stored row of ${at(-10)} (10m ago, created ${at(-10)}) says null`,
  },
  {
    id: 3,
    verdict: "beaten",
    status: "PRESENT",
    what: ({ at }) =>
      `The source's newest row is a row of ${at(-10)} (10); the stored one of ${at(-5)} (5m ago) is newer`,
    also: ["present"],
  },
  {
    id: 4,
    verdict: "tombstoned",
    status: "NOT_FOUND",
    what: ({ at }) => `It was deleted by the stored row of ${at(-10)} (10m ago, created ${at(-10)})`,
  },
  {
    id: 5,
    verdict: "not_materialized",
    status: "NOT_FOUND",
    what: ({ at }) =>
      `The source has a row of ${at(-1)} (50), which the store has not: the view is materialized up to ${at(-2)}`,
    commands: ({ at }) => [`larder materialize-incremental ${at(0)} --view plans`],
  },
  {
    id: 6,
    verdict: "dated_ahead",
    status: "NOT_FOUND",
    what: ({ at }) =>
      `The source has a row of ${at(60)} (60), 1h ahead of now; rows further ahead than 10m (max_future of plans) are refused`,
  },
  {
    id: 7,
    verdict: "expired",
    status: "OUTSIDE_MAX_AGE",
    what: ({ at }) =>
      `The stored row of ${at(-70)} (1h 10m ago, created ${at(-70)}) expired at ${at(-10)}, 10m ago: its TTL is 1h (online_ttl of plans)`,
  },
  {
    id: 8,
    verdict: "expired",
    status: "NOT_FOUND",
    what: ({ at }) =>
      `The source's newest row of ${at(-180)} (3h ago, created ${at(-180)}) expired at ${at(-120)}, 2h ago: its TTL is 1h (online_ttl of plans)`,
  },
  {
    id: 9,
    verdict: "another_tenant",
    status: "NOT_FOUND",
    what: () => "Tenant default has no row of this entity; tenant acme has one",
    commands: () => ["larder why plans:price customer_id=9 --tenant acme"],
  },
  {
    id: 10,
    verdict: "never_written",
    status: "NOT_FOUND",
    what: () =>
      "No row of this entity is stored, and the source has none: it was never written, was removed, or went with the end of its life",
  },
  {
    id: 11,
    verdict: "not_materialized",
    status: "NOT_FOUND",
    what: ({ at }) =>
      `The source has a row of ${at(-15)} (110), which the store has not: the view is materialized up to ${at(-2)}, so the row came to the source later, or was removed from the store`,
    commands: ({ at }) => [`larder materialize ${at(-15)} ${at(-15)} --view plans`],
  },
  {
    id: 12,
    verdict: "refused",
    status: "NOT_FOUND",
    what: () => "The source has a newer row that no write takes: created is",
  },
  {
    id: 13,
    verdict: "beaten",
    status: "PRESENT",
    what: ({ at }) =>
      `The source's newest row is a row of ${at(-10)} (10); the stored one of ${at(-10)} (10m ago, created ${at(-10)}) has the same times, and the greater bytes win`,
    also: ["present"],
  },
  {
    id: 14,
    verdict: "tombstoned",
    status: "NOT_FOUND",
    what: ({ at }) => `It was deleted by the source's newest row of ${at(-15)} (15m ago, created ${at(-15)})`,
  },
  {
    id: 15,
    verdict: "dated_ahead",
    status: "PRESENT",
    what: ({ at }) => `The source has a row of ${at(60)} (60), 1h ahead of now`,
    also: ["present"],
  },
  {
    id: 16,
    verdict: "not_materialized",
    status: "OUTSIDE_MAX_AGE",
    what: ({ at }) => `The source has a row of ${at(-1)} (161), which the store has not`,
    also: ["expired"],
    commands: ({ at }) => [`larder materialize-incremental ${at(0)} --view plans`],
  },
  {
    id: 17,
    verdict: "not_materialized",
    status: "NOT_FOUND",
    what: ({ at }) => `The source has a row of ${at(5)} (170), which the store has not`,
    commands: ({ at }) => [`larder materialize ${at(5)} ${at(5)} --view plans`],
  },
  {
    id: 18,
    verdict: "beaten",
    status: "PRESENT",
    what: ({ at }) =>
      `The source's newest row is a row of ${at(-10)} (10); the stored one of ${at(-10)} (10m ago, created ${at(-5)}) is newer`,
    also: ["present"],
  },
  {
    id: 19,
    verdict: "not_materialized",
    status: "NOT_FOUND",
    what: ({ at }) => `The source has a row of ${at(-1)} (191), which the store has not`,
    commands: ({ at }) => [`larder materialize-incremental ${at(0)} --view plans`],
  },
  {
    id: 20,
    verdict: "erased",
    status: "NOT_FOUND",
    what: ({ at }) =>
      `The entity was erased up to ${at(0)} (less than 1s ago): rows of that event time or an earlier one are kept away, such as a row of ${at(-10)} (10) in the source`,
  },
  {
    id: 21,
    verdict: "erased",
    status: "NOT_FOUND",
    what: ({ at }) =>
      `The entity was erased up to ${at(0)} (less than 1s ago): rows of that event time or an earlier one are kept away`,
  },
  {
    id: 22,
    verdict: "beaten",
    status: "PRESENT",
    what: ({ at }) =>
      `The source's newest row is a row of ${at(-10)} (10); the stored one of ${at(2)} (2m ahead) is newer`,
    also: ["present"],
  },
  {
    id: 23,
    verdict: "not_materialized",
    status: "NOT_FOUND",
    what: ({ at }) => `The source has a row of ${at(5)} (230), which the store has not`,
    commands: ({ at }) => [`larder materialize ${at(5)} ${at(5)} --view plans`],
  },
];

/** The states of a store at the world's start, made by writing, materializing and pushing. */
async function populate(world: WhyWorld): Promise<void> {
  const plain = { at: -10, price: 10 };
  await world.plans("default/a.parquet", [
    { id: 1, ...plain, created: -9 },
    { id: 1, at: -30, price: 9 },
    { id: 2, at: -10, price: null },
    { id: 3, ...plain },
    { id: 4, at: -20, price: 1 },
    { id: 4, at: -10, price: null, gone: true },
    { id: 5, at: -1, price: 50 },
    { id: 6, at: 60, price: 60 },
    { id: 7, at: -70, price: 70 },
    { id: 8, at: -180, price: 80 },
    { id: 12, ...plain, created: "TIMESTAMP '2300-01-01'" },
    { id: 13, ...plain },
    { id: 15, ...plain },
    { id: 15, at: 60, price: 60 },
    { id: 16, at: -70, price: 160 },
    { id: 16, at: -1, price: 161 },
    { id: 17, at: 5, price: 170 },
    { id: 18, ...plain },
    { id: 19, at: -1, price: 191 },
    { id: 19, ...plain, created: "TIMESTAMP '2300-01-01'" },
    { id: 20, ...plain },
    { id: 22, ...plain },
    { id: 23, ...plain },
    { id: 23, at: 5, price: 230 },
  ]);
  await world.plans("acme/a.parquet", [{ id: 1, at: -40, price: 40 }]);
  const pushed = { ts: world.at(-10), price: 11, plan: "p" };
  await world.push("plans", "default", { ...pushed, customer_id: 13, created: world.at(-10) });
  await world.push("plans", "default", { ...pushed, customer_id: 18, created: world.at(-5) });
  await world.materialize("plans", "default", world.start - 2 * MINUTE);
  await world.materialize("plans", "acme");
  await world.push("plans", "default", { ...pushed, customer_id: 21 });
  for (const id of [20, 21, 22, 23]) await world.erase(id);
  await world.push("plans", "default", { customer_id: 22, ts: world.at(2), price: 11, plan: "p" });
  // It brings nothing of an erased entity back.
  await world.materialize("plans", "default", world.start - 2 * MINUTE);
  await world.plans("default/b.parquet", [
    { id: 11, at: -15, price: 110 },
    { id: 14, at: -15, price: null, gone: true },
  ]);
  await world.push("plans", "default", { customer_id: 3, ts: world.at(-5), price: 11, plan: "p" });
  await world.push("plans", "acme", { customer_id: 9, ts: world.at(-5), price: 9, plan: "p" });
}

/** The rules of `larder why` on one store: every verdict, and that remedies that are commands do what they say. */
export function whyRules({ store, outside }: WhyHarness): void {
  let world: WhyWorld;
  beforeAll(async () => {
    world = await whyWorld(store());
    await populate(world);
  }, 60_000);
  afterAll(() => world[Symbol.asyncDispose]());

  test.each(STATES)("customer $id: $verdict, a read answers $status", async (state) => {
    const { features } = await world.why("plans:price", { customer_id: state.id });
    expect(features).toMatchObject([
      {
        feature: "price",
        status: state.status,
        verdict: state.verdict,
        what: expect.stringContaining(state.what(world)),
        commands: state.commands?.(world) ?? [],
      },
    ]);
    expect(features[0]?.also.map(({ verdict }) => verdict)).toEqual(state.also ?? []);
  });

  test("a tenant's own TTL is named, and its own source is looked at", async () => {
    const { features, evidence } = await world.why("plans:price", { customer_id: 1 }, "acme");
    expect(features[0]).toMatchObject({ verdict: "expired", status: "OUTSIDE_MAX_AGE" });
    expect(features[0]?.what).toContain("its TTL is 30m (tenants.acme.ttl.plans)");
    expect(features[0]?.remedy).toContain(`until ${world.at(50)}`);
    expect(evidence.source).toMatchObject({ kind: "rows", rows: [{ row: { eventTime: world.start - 40 * MINUTE } }] });
  });

  test("a tenant over its quota: what waits in the source, and what is not there at all", async () => {
    await world.plans("full/a.parquet", [
      { id: 1, at: -5, price: 1 },
      { id: 30, at: -5, price: 30 },
    ]);
    await world.fill();
    await expect(world.materialize("plans", "full")).rejects.toMatchObject({ code: "QUOTA_EXCEEDED" });
    world.clock.set(world.start);
    const verdict = async (customer_id: number) =>
      (await world.why("plans:price", { customer_id }, "full")).features[0];
    expect(await verdict(30)).toMatchObject({
      verdict: "over_quota",
      status: "NOT_FOUND",
      what: expect.stringMatching(
        `^Tenant full took \\d{4} bytes at ${world.at(-1)}, over its max_bytes of 1000, so its writes are refused with QUOTA_EXCEEDED; a row of ${world.at(-5)} \\(30\\) in the source waits$`,
      ),
      commands: [],
      also: [{ verdict: "not_materialized" }],
    });
    expect(await verdict(31)).toMatchObject({
      verdict: "over_quota",
      what: expect.stringMatching("no row of this entity is stored$"),
      remedy: expect.stringMatching(/raise tenants\.full\.max_bytes; then push the row again$/),
      also: [],
    });
    expect((await verdict(1))?.verdict).not.toBe("over_quota");
    await world.store.reset({ tenant: "full" }, { tenant: "full" });
  });

  test("the boundary of a TTL still counts, the microsecond after does not", async () => {
    world.clock.set(world.start + 50 * MINUTE);
    expect((await world.why("plans:price", { customer_id: 1 })).features[0]).toMatchObject({
      verdict: "present",
      status: "PRESENT",
    });
    world.clock.advance(1);
    const { features } = await world.why("plans:price", { customer_id: 1 });
    expect(features[0]).toMatchObject({ verdict: "expired", status: "OUTSIDE_MAX_AGE" });
    world.clock.set(world.start);
  });

  test("a view of pushed rows: absent by partial_rows, never written, and every feature at once", async () => {
    const outlet = { country: "de", number: 7 };
    await world.push("notes", "default", { ...outlet, event_timestamp: world.at(-1), mood: "good" });
    const { features, evidence } = await world.why("notes", outlet);
    expect(features).toMatchObject([
      { feature: "mood", verdict: "present", status: "PRESENT" },
      { feature: "size", verdict: "absent", status: "NOT_FOUND" },
    ]);
    expect(evidence.source).toMatchObject({ kind: "unavailable", code: "SOURCE_NOT_FOUND" });
    const other = await world.why("notes:size", { country: "de", number: 8 });
    expect(other.features[0]).toMatchObject({
      verdict: "never_written",
      what: expect.stringContaining('Feature view "notes" has no batch source'),
      remedy: "Push a row to notes",
    });
  });

  test("without the source's files the verdict is given, and the lack is named", async () => {
    await world.push("marks", "default", { customer_id: 1, ts: world.at(-1), score: 1 });
    const { features, evidence } = await world.why("marks:score", { customer_id: 1 });
    expect(features[0]).toMatchObject({ verdict: "present" });
    expect(evidence.source).toMatchObject({ kind: "unavailable", code: "SOURCE_NOT_FOUND" });
    expect((await world.why("marks:score", { customer_id: 2 })).features[0]?.remedy).toMatch(/^Put its files there/);
  });

  test("a composite key, a mapped column and a tenant column are read as materialize reads them", async () => {
    const rows = [`('de', 7, TIMESTAMP '${world.at(-3).slice(0, -1)}', 1.5, 'default')`];
    rows.push(`('de', 7, TIMESTAMP '${world.at(-2).slice(0, -1)}', 2.5, 'acme')`);
    await world.project.parquet(
      "data/sales.parquet",
      `SELECT * FROM (VALUES ${rows.join(", ")}) t(country, nr, ts, sum, whose)`,
    );
    const outlet = { number: 7, country: "de" };
    const { features, evidence } = await world.why("sales:total", outlet);
    expect(features[0]).toMatchObject({
      verdict: "not_materialized",
      what: `The source has a row of ${world.at(-3)} (1.5), which the store has not: the view was never materialized`,
    });
    expect(evidence.source).toMatchObject({ rows: [{ row: { entityKey: ["de", 7] } }], more: false });
    await world.materialize("sales", "default");
    expect((await world.why("sales:total", outlet)).features[0]).toMatchObject({ verdict: "present" });
  });

  if (outside === undefined) return;

  test("rows of other definitions, and broken ones, are told apart, and the remedies' commands work as printed", async () => {
    const scored = "features: [{ name: score, type: int64 }]";
    const marks = Array.from(
      { length: 6 },
      (_, id) => `(${id}::BIGINT, TIMESTAMP '${world.at(-1).slice(0, -1)}', ${id}::BIGINT, 'c')`,
    );
    await world.project.parquet(
      "data/marks/a.parquet",
      `SELECT * FROM (VALUES ${marks.join(", ")}) t(customer_id, ts, score, code)`,
    );
    await world.store.reset({ tenant: "default", view: "marks" }, { tenant: "default" });
    await world.materialize("marks", "default");
    const at = world.at(-1);
    const reset = (id: number) => `larder reset --view marks --entity customer_id=${id} --tenant default --yes`;
    const again = `larder materialize ${at} ${at} --view marks`;

    await world.reopen((yaml) =>
      yaml.replace(scored, "features: [{ name: score, type: int64 }, { name: code, type: string }]"),
    );
    expect((await world.why("marks", { customer_id: 1 })).features).toMatchObject([
      { feature: "score", verdict: "present", status: "PRESENT" },
      {
        feature: "code",
        verdict: "other_schema",
        status: "NOT_FOUND",
        what: expect.stringContaining("was written before code was added to marks"),
        commands: [again],
        also: [],
      },
    ]);
    await follow(world, [again]);
    expect((await world.why("marks:code", { customer_id: 1 })).features[0]).toMatchObject({ verdict: "present" });

    await world.reopen((yaml) => yaml.replace(scored, "features: [{ name: score, type: float64 }]"));
    expect((await world.why("marks:score", { customer_id: 2 })).features[0]).toMatchObject({
      verdict: "other_schema",
      status: "NOT_FOUND",
      what: expect.stringContaining("was written when score had another type than float64"),
      commands: [reset(2), again],
    });
    await follow(world, [reset(2), again]);
    expect((await world.why("marks:score", { customer_id: 2 })).features[0]).toMatchObject({ verdict: "present" });

    await outside.breakRow(world, "marks", 3);
    expect((await world.why("marks:score", { customer_id: 3 })).features[0]).toMatchObject({
      verdict: "undecodable",
      status: "INVALID",
      commands: [reset(3), again],
    });

    await world.reopen((yaml) => yaml.replace("customer_id, type: int64", "customer_id, type: int32"));
    expect((await world.why("marks:score", { customer_id: 4 })).features[0]).toMatchObject({
      verdict: "other_schema",
      status: "NOT_FOUND",
      what: "The stored row was written for other join keys",
    });

    await outside.loseSchemas(world);
    await world.reopen((yaml) => yaml.replace(scored, "features: [{ name: code, type: string }]"));
    expect((await world.why("marks:code", { customer_id: 4 })).features[0]).toMatchObject({
      verdict: "other_schema",
      status: "INVALID",
      what: "The stored row names a schema that the store does not have",
    });

    await world.reopen((yaml) => yaml);
    await world.materialize("plans", "default", world.start - 2 * MINUTE);
    const missing = STATES.filter(({ verdict }) => verdict === "not_materialized");
    const lines = new Set(missing.flatMap(({ commands }) => commands?.(world) ?? []));
    // Customers 12 and 19 have a row that every run refuses that meets it.
    await follow(world, [...lines], [0, 1]);
    for (const { id } of missing) {
      const { features } = await world.why("plans:price", { customer_id: id });
      expect([id, features[0]]).toEqual([id, expect.objectContaining({ verdict: "present", status: "PRESENT" })]);
    }
  });
}

/** Runs command lines as printed. */
async function follow(world: WhyWorld, lines: readonly string[], codes: readonly number[] = [0]): Promise<void> {
  for (const line of lines) {
    const terminal = plainTerminal(undefined, world.project.folder);
    const code = await runCli(line.split(" ").slice(1), terminal);
    expect([line, codes.includes(code), terminal.talked]).toEqual([line, true, ""]);
  }
}
