import { seededRandom, testSeed } from "@larder/testkit";
import { expect, test } from "vitest";
import type { ConformanceHarness } from "../../conformance/index.ts";
import { type SweepReport, type SweepRequest, sweepRows } from "../../src/upkeep/sweep-rows.ts";
import { replaced } from "../conformance/handle.ts";
import { DAY, HOUR, openShop, row, START, shopDefinitions } from "./shop.ts";

type Shop = Awaited<ReturnType<typeof openShop>>;

function sweep(shop: Shop, request: Partial<SweepRequest> = {}, parts: Partial<Shop> = {}): Promise<SweepReport> {
  return sweepRows({ ...shop, ...parts }, { until: Number.POSITIVE_INFINITY, ...request });
}

/** What a sweep keeps and removes, on every store. */
export function sweepRules(harness: ConformanceHarness): void {
  test("a dead view goes out of an entity that another view keeps alive", async () => {
    await using shop = await openShop(harness);
    await shop.write("hour", [row(1, START, "a"), row(2, START + HOUR, "b")]);
    await shop.write("month", [row(1, START, "c")]);
    await shop.write("ever", [row(1, START, "d")]);
    shop.clock.set(START + HOUR);
    expect(await sweep(shop)).toMatchObject({ scanned: 4, removed: 0, complete: true });
    shop.clock.set(START + HOUR + 1);
    expect(await sweep(shop)).toMatchObject({ scanned: 4, removed: 1, bytes: 23, complete: true, resumed: false });
    expect(await shop.rows()).toEqual(["ever 1", "hour 2", "month 1"]);
    shop.clock.set(START + 31 * DAY);
    expect(await sweep(shop)).toMatchObject({ scanned: 3, removed: 2 });
    expect(await shop.rows()).toEqual(["ever 1"]);
  });

  test("today's definitions say what is dead: rows of a lengthened TTL stay, a tenant's own TTL counts", async () => {
    await using shop = await openShop(harness, shopDefinitions("default: {}\n  acme: { ttl: { month: 2h } }"));
    for (const tenant of ["default", "acme"]) {
      for (const view of ["hour", "month"]) await shop.write(view, [row(1, START, "a")], tenant);
    }
    shop.clock.set(START + 3 * HOUR);
    const longer = shopDefinitions("default: { ttl: { hour: 1d } }\n  acme: { ttl: { month: 2h, hour: 1d } }");
    expect(await sweep(shop, {}, { definitions: longer })).toMatchObject({ scanned: 4, removed: 1 });
    expect(await shop.rows("acme")).toEqual(["hour 1"]);
    expect(await sweep(shop)).toMatchObject({ scanned: 3, removed: 2 });
    expect(await shop.rows("default")).toEqual(["month 1"]);
  });

  test("only the tenant and the view that are named are swept", async () => {
    await using shop = await openShop(harness, shopDefinitions("default: {}\n  acme: { ttl: { month: 1h } }"));
    for (const tenant of ["default", "acme"]) {
      for (const view of ["hour", "month"]) await shop.write(view, [row(1, START, "a")], tenant);
    }
    shop.clock.set(START + 2 * HOUR);
    expect(await sweep(shop, { tenant: "acme", view: "hour" })).toMatchObject({ scanned: 1, removed: 1 });
    expect(await shop.rows("acme")).toEqual(["month 1"]);
    expect(await sweep(shop, { tenant: "acme" })).toMatchObject({ scanned: 1, removed: 1 });
    expect(await shop.rows("default")).toEqual(["hour 1", "month 1"]);
    expect(await sweep(shop, { view: "hour" })).toMatchObject({ scanned: 1, removed: 1 });
    expect(await shop.rows("default")).toEqual(["month 1"]);
  });

  test("a tombstone of a view without TTL goes when a sweep saw it a retention ago, and no sooner", async () => {
    await using shop = await openShop(harness);
    await shop.write("ever", [row(1, START - 900 * DAY), row(2, START), row(3, START, "a")]);
    expect(await sweep(shop)).toMatchObject({ removed: 0, waiting: 2 });
    await shop.write("ever", [row(2, START + 1)]);
    shop.clock.set(START + DAY);
    expect(await sweep(shop)).toMatchObject({ removed: 0, waiting: 2 });
    shop.clock.set(START + DAY + 1);
    expect(await sweep(shop)).toMatchObject({ removed: 1, waiting: 1 });
    expect(await shop.rows()).toEqual(["ever 2", "ever 3"]);
    shop.clock.set(START + 2 * DAY + 1);
    expect(await sweep(shop)).toMatchObject({ removed: 1, waiting: 0 });
    expect(await shop.rows()).toEqual(["ever 3"]);
  });

  test("rows of unknown views and tenants, and bytes that are no row, are left alone", async () => {
    await using shop = await openShop(harness, shopDefinitions("default: {}\n  acme: {}"));
    await shop.write("hour", [row(1, START, "a"), row(2, START, "b")]);
    await shop.write("month", [row(1, START, "a")]);
    await shop.write("hour", [row(1, START, "a")], "acme");
    await shop.backing.overwrite(
      { project: "upkeep", tenant: "default", view: "hour", entityKey: "2" },
      Buffer.from("?"),
    );
    shop.clock.set(START + 40 * DAY);
    const { views } = shop.definitions;
    const definitions = { ...shopDefinitions(), views: new Map([...views].filter(([name]) => name !== "month")) };
    expect(await sweep(shop, {}, { definitions })).toMatchObject({ scanned: 4, removed: 1, unknown: 2, unreadable: 1 });
    expect(await shop.rows()).toEqual(["hour 2", "month 1"]);
    expect(await shop.rows("acme")).toEqual(["hour 1"]);
  });

  test("a sweep that is stopped, again and again, goes on where it was and ends as one that was not", async () => {
    await using shop = await openShop(harness);
    const many = Array.from({ length: 1_700 }, (_, i) => row(i, START, "a"));
    await shop.write("hour", many);
    await shop.write("month", many);
    shop.clock.set(START + 2 * HOUR);
    const reports: SweepReport[] = [];
    while (reports.at(-1)?.complete !== true) {
      // Each run ends after one page; every third dies before it has kept its place.
      const dies = reports.length % 3 === 2 && reports.length < 9;
      const rowStore = replaced(shop.rowStore, dies ? { putMeta: () => Promise.reject(new Error("killed")) } : {});
      const run = sweep(shop, { until: 0 }, { rowStore });
      reports.push(await (dies ? run.catch(() => ({ ...(reports.at(-1) as SweepReport), removed: 0 })) : run));
    }
    expect(await shop.rows()).toEqual((await shop.rows()).filter((each) => each.startsWith("month")));
    expect((await shop.rows()).length).toBe(many.length);
    expect(await sweep(shop)).toMatchObject({ removed: 0, resumed: false, complete: true });
  });

  test("a write that comes between judgement and removal is never lost", async () => {
    await using shop = await openShop(harness);
    const random = seededRandom(testSeed());
    const many = Array.from({ length: 400 }, (_, i) => row(i, START, "old"));
    await shop.write("hour", many);
    await shop.write("month", many);
    shop.clock.set(START + 2 * HOUR);
    const late = new Set<number>();
    const rowStore = replaced(shop.rowStore, {
      removeRows: async (scope, rows, call) => {
        const hit = rows.filter(() => random.next() < 0.5).map(({ entityKey }) => Number(entityKey));
        for (const id of hit) late.add(id);
        const fresh = hit.map((id) => row(id, START + 2 * HOUR, random.next() < 0.2 ? undefined : "new"));
        // Half before the removal, half beside it.
        const half = Math.floor(fresh.length / 2);
        await shop.write("hour", fresh.slice(0, half));
        const [gone] = await Promise.all([
          shop.rowStore.removeRows(scope, rows, call),
          shop.write("hour", fresh.slice(half)),
        ]);
        return gone;
      },
    });
    await sweep(shop, {}, { rowStore });
    expect(late.size).toBeGreaterThan(100);
    const rows = await shop.rows();
    expect(rows.filter((each) => each.startsWith("hour"))).toEqual([...late].map((id) => `hour ${id}`).sort());
    expect(rows.filter((each) => each.startsWith("month")).length).toBe(many.length);
  });
}
