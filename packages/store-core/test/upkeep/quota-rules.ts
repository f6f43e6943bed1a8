import { isLarderError } from "@larder/schema";
import { until } from "@larder/testkit";
import { expect, test } from "vitest";
import { SECOND } from "../../conformance/harness.ts";
import type { ConformanceHarness } from "../../conformance/index.ts";
import { withQuota } from "../../src/decorators/quota.ts";
import { readUsage } from "../../src/upkeep/usage-record.ts";
import { replaced } from "../conformance/handle.ts";
import { openShop, row, START, shopDefinitions } from "./shop.ts";

const CALL = { tenant: "acme" };
const WAIT_MS = 20_000;

const TEXT = "x".repeat(200);

/** A shop whose tenant acme has a limit, with the decorator over its store. */
async function openLimited(harness: ConformanceHarness, acme: string, views = "") {
  const shop = await openShop(harness, shopDefinitions(`default: {}\n  acme: { ${acme} }`, views));
  let measured = 0;
  const rowStore = replaced(shop.rowStore, {
    measure: (project, pace, call) => {
      measured++;
      return shop.rowStore.measure(project, pace, call);
    },
  });
  const limited = withQuota(shop.store, { definitions: shop.definitions, rowStore, clock: shop.clock, share: 1 });
  let now = START;
  return Object.assign(shop, {
    limited,
    /** Time goes on far enough that a figure is asked for again. */
    later: () => {
      now += 700 * SECOND;
      shop.clock.set(now);
    },
    measured: () => measured,
    fill: (from: number, count: number, view = "ever", tenant = "acme") =>
      shop.write(
        view,
        Array.from({ length: count }, (_, i) => row(from + i, START + (from + i) * SECOND, TEXT)),
        tenant,
        limited,
      ),
  });
}

/** How quotas hold, on every store. */
export function quotaRules(harness: ConformanceHarness): void {
  test("a tenant over its limit is refused with usage, limit and remedy; deletions, resets, reads and other tenants are not", async () => {
    await using shop = await openLimited(harness, "max_bytes: 50kB");
    expect(await shop.fill(0, 300)).toMatchObject({ applied: 300 });
    shop.later();
    await until(WAIT_MS, "a figure", async () => {
      await shop.fill(0, 1).catch(() => undefined);
      const found = await readUsage(shop.rowStore, shop.definitions, CALL);
      return found.some(({ refused }) => refused);
    });
    shop.clock.set(shop.clock.now() + 3 * SECOND);
    const error = await shop.fill(300, 1).catch((thrown: unknown) => thrown);
    expect(isLarderError(error, "QUOTA_EXCEEDED")).toBe(true);
    if (!isLarderError(error)) return;
    expect(error.facts).toMatchObject({ tenant: "acme", max_bytes: 50_000 });
    expect(Number(error.facts["bytes"])).toBeGreaterThan(60_000);
    expect(error.message).toMatch(/takes \d+ B online, its limit is 50000 B; nothing was written\. Delete rows/);
    expect(error.retryable).toBe(false);
    expect((await shop.rows("acme")).length).toBe(300);

    expect(await shop.fill(0, 1, "ever", "default")).toMatchObject({ applied: 1 });
    const deletion = [row(7, START + 3_000 * SECOND)];
    expect(await shop.write("ever", deletion, "acme", shop.limited)).toMatchObject({ applied: 1 });
    await expect(shop.write("ever", [...deletion, row(8, START, "a")], "acme", shop.limited)).rejects.toThrow(
      /quota|limit/,
    );

    const [usage] = (await readUsage(shop.rowStore, shop.definitions, CALL)).filter(({ tenant }) => tenant === "acme");
    expect(usage).toMatchObject({ maxBytes: 50_000, refused: true, error: 0 });
    expect(usage?.share).toBeGreaterThan(1.2);

    expect(await shop.limited.reset({ tenant: "acme" }, CALL)).toBe(300);
    shop.later();
    // A figure from before the reset may still be on its way.
    await until(WAIT_MS, "there is room", async () => (await shop.fill(0, 10)).applied === 10);
  });

  test("a long-tail view loses its oldest event times, and nothing else goes", async () => {
    const view = (name: string) =>
      `  - { name: ${name}, entity: customer, long_tail: true, features: [{ name: x, type: string }] }\n`;
    const views = view("tail") + view("trail");
    await using shop = await openLimited(harness, "max_bytes: 80kB, on_full: evict_long_tail", views);
    await shop.fill(0, 100, "ever");
    await shop.fill(1_000, 150, "tail");
    await shop.fill(1_100, 150, "trail");
    await shop.fill(0, 20, "tail", "default");
    await shop.write("tail", [row(5, START)], "acme");
    shop.later();
    expect(await shop.fill(2_000, 1, "tail")).toMatchObject({ applied: 1 });

    const usage = async () =>
      (await readUsage(shop.rowStore, shop.definitions, CALL)).find(({ tenant }) => tenant === "acme");
    await until(WAIT_MS, "the figure after eviction", async () => {
      await shop.fill(2_000, 1, "tail");
      return Number((await usage())?.measuredAt) > START + SECOND;
    });
    const acme = await usage();
    expect(acme?.refused).toBe(false);
    expect(acme?.bytes).toBeLessThanOrEqual(72_000);
    // No more than was needed.
    expect(acme?.bytes).toBeGreaterThan(60_000);
    const rows = await shop.rows("acme");
    const ids = (of: string) => rows.flatMap((each) => (each.startsWith(`${of} `) ? [Number(each.split(" ")[1])] : []));
    expect(ids("ever").length).toBe(100);
    expect((await shop.rows("default")).length).toBe(20);
    // The tombstone stays; of the rest only the newest, over both views together.
    const tail = ids("tail").filter((id) => id >= 1_000 && id < 2_000);
    // Two rows of one time, of which one may go.
    const first = Math.min(...tail, ...ids("trail"));
    expect(first).toBeGreaterThan(1_000);
    const kept = (found: readonly number[]) => found.filter((id) => id > first).sort();
    const written = (from: number) => Array.from({ length: 150 }, (_, i) => from + i);
    expect(kept(tail)).toEqual(kept(written(1_000)));
    expect(kept(ids("trail"))).toEqual(kept(written(1_100)));
    expect(ids("tail")).toContain(5);
  });

  test("where nothing is left to evict the tenant is refused, and says so", async () => {
    const views = "  - { name: tail, entity: customer, long_tail: true, features: [{ name: x, type: string }] }\n";
    await using shop = await openLimited(harness, "max_bytes: 40kB, on_full: evict_long_tail", views);
    await shop.fill(0, 300, "ever");
    await shop.fill(0, 20, "tail");
    shop.later();
    await until(WAIT_MS, "the tenant is refused", async () => {
      const outcome = await shop.fill(500, 1, "ever").catch((thrown: unknown) => thrown);
      return isLarderError(outcome, "QUOTA_EXCEEDED") && outcome.message.includes("nothing left to evict");
    });
    expect((await shop.rows("acme")).filter((each) => each.startsWith("tail"))).toEqual([]);
  });

  test("one process measures for all: others take its figure while it is fresh", async () => {
    await using shop = await openLimited(harness, "max_bytes: 50kB");
    await until(WAIT_MS, "a first figure", async () => {
      await shop.fill(0, 10);
      return (await readUsage(shop.rowStore, shop.definitions, CALL)).length > 0;
    });
    const before = shop.measured();
    shop.later();
    const parts = { definitions: shop.definitions, clock: shop.clock, share: 1 };
    let others = 0;
    const rowStore = replaced(shop.rowStore, {
      measure: async (...args) => {
        others++;
        return shop.rowStore.measure(...args);
      },
    });
    const writers = Array.from({ length: 8 }, () => withQuota(shop.store, { ...parts, rowStore }));
    await Promise.all(writers.map((writer, i) => shop.write("ever", [row(100 + i, START, "a")], "acme", writer)));
    await until(WAIT_MS, "a figure", async () => others > 0);
    for (const writer of writers) await shop.write("ever", [row(200, START, "a")], "acme", writer);
    expect(others + shop.measured() - before).toBe(1);
    // What a process wrote itself asks for a figure before its time.
    await shop.fill(1_000, 600);
    shop.clock.set(shop.clock.now() + 6 * SECOND);
    await until(WAIT_MS, "the tenant is refused", async () => {
      const outcome = await shop.fill(2_000, 1).catch((thrown: unknown) => thrown);
      return isLarderError(outcome, "QUOTA_EXCEEDED");
    });
    expect(shop.measured() - before).toBeLessThanOrEqual(2);
  });

  test("what a process writes while another one measures still counts when it takes that figure", async () => {
    await using shop = await openLimited(harness, "max_bytes: 50kB");
    const [begun, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const rowStore = replaced(shop.rowStore, {
      measure: async (...args) => {
        const usage = await shop.rowStore.measure(...args);
        begun.resolve();
        await go.promise;
        return usage;
      },
    });
    const other = withQuota(shop.store, { ...shop, rowStore, share: 1 });
    await shop.write("ever", [row(1, START, "a")], "acme", other);
    await begun.promise;
    await shop.fill(1_000, 600);
    go.resolve();
    await until(WAIT_MS, "the other's figure", async () => {
      return (await readUsage(shop.rowStore, shop.definitions, CALL)).length > 0;
    });
    const [figure] = (await readUsage(shop.rowStore, shop.definitions, CALL)).filter(({ tenant }) => tenant === "acme");
    expect(figure).toMatchObject({ measuredAt: START, refused: false });
    // So soon after that figure only the rows of its own make a process ask for another.
    shop.clock.set(START + 6 * SECOND);
    await until(WAIT_MS, "the tenant is refused", async () => {
      const outcome = await shop.fill(2_000, 1).catch((thrown: unknown) => thrown);
      return isLarderError(outcome, "QUOTA_EXCEEDED");
    });
  });

  test("a process that crossed a limit by its last writes measures before it ends, so that the next one refuses", async () => {
    await using shop = await openLimited(harness, "max_bytes: 50kB");
    const store = replaced(shop.store, { close: async () => {} });
    const last = withQuota(store, { ...shop, share: 1, waitMs: WAIT_MS });
    await shop.write("ever", [row(0, START, TEXT)], "acme", last);
    const rows = Array.from({ length: 600 }, (_, i) => row(i, START + i * SECOND, TEXT));
    await shop.write("ever", rows, "acme", last);
    await last.close();
    const [usage] = (await readUsage(shop.rowStore, shop.definitions, CALL)).filter(({ tenant }) => tenant === "acme");
    expect(usage).toMatchObject({ refused: true });
    const next = await shop.fill(2_000, 1).catch((thrown: unknown) => thrown);
    expect(isLarderError(next, "QUOTA_EXCEEDED")).toBe(true);
  });

  test("a tenant without a limit, and a store of such tenants, are never measured", async () => {
    await using shop = await openLimited(harness, "max_bytes: 1kB");
    await shop.fill(0, 50, "ever", "default");
    expect(shop.measured()).toBe(0);
    const free = shopDefinitions("default: {}\n  acme: {}");
    expect(withQuota(shop.store, { ...shop, definitions: free })).toBe(shop.store);
  });

  test("a usage that cannot be measured refuses writes with the reason, until it can; a store that fails says so itself", async () => {
    await using shop = await openLimited(harness, "max_bytes: 50kB");
    let broken = true;
    const rowStore = replaced(shop.rowStore, {
      measure: (...args) => (broken ? Promise.reject(new Error("no right")) : shop.rowStore.measure(...args)),
    });
    const limited = withQuota(shop.store, { ...shop, rowStore, share: 1 });
    const write = () => shop.write("ever", [row(1, START, "a")], "acme", limited);
    await until(WAIT_MS, "a refusal", async () => {
      const outcome = await write().catch(String);
      return /cannot be measured.*no right/.test(String(outcome));
    });
    broken = false;
    shop.later();
    await until(WAIT_MS, "a write", async () => (await write().catch(() => undefined)) !== undefined);
  });
}
