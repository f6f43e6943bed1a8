import { type Definitions, findView, parseDefinitions, systemClock } from "@larder/schema";
import { type ErasureSettings, eraseEntity, type OnlineStore, openOnlineStore } from "@larder/store-core";
import { expect } from "vitest";

/** Short enough for a test, long enough for a loaded machine. */
const SETTINGS: ErasureSettings = { leaseMs: 150, writeMs: 1_500 };

/** Of an erasure while nobody else writes: nothing to wait for. */
const ALONE: ErasureSettings = { leaseMs: 0, writeMs: 0 };

const KEY = 4_242_424_242n;

function definitionsOf(onlineStore: string): Definitions {
  const tenants = onlineStore.includes("feast") ? "{ default: {} }" : "{ default: {}, acme: {} }";
  return parseDefinitions(`
project: p
online_store: ${onlineStore}
entities:
  - { name: customer, join_keys: [{ name: customer_id, type: int64 }] }
  - { name: shop, join_keys: [{ name: country, type: string }, { name: number, type: int32 }] }
feature_views:
  - { name: plans, entity: customer, features: [{ name: x, type: float32 }] }
  - { name: usage, entity: customer, features: [{ name: note, type: string }] }
  - { name: visits, entities: [shop, customer], features: [{ name: count, type: int64 }] }
  - { name: shops, entity: shop, features: [{ name: z, type: float32 }] }
tenants: ${tenants}
`);
}

type Key = readonly (bigint | string | number)[];

/** A store, and erasures that wait as `settings` say. Writers have {@link SETTINGS} only where these are the same. */
async function openShop(onlineStore: string, settings: ErasureSettings) {
  const definitions = definitionsOf(onlineStore);
  const erasure = settings === SETTINGS ? SETTINGS : { leaseMs: 60_000, writeMs: 60_000 };
  const store = await openOnlineStore(definitions, { clock: systemClock, erasure });
  const features: Record<string, (at: number) => string | number | bigint> = {
    plans: () => 1,
    usage: () => "a",
    visits: () => 1n,
    shops: () => 2,
  };
  const write = async (view: string, entityKey: Key, eventTime: number, tenant = "default", by = store) => {
    const row = { entityKey, eventTime, createdTime: undefined, values: [features[view]?.(0) ?? null] };
    return (await by.write(findView(definitions, view), [row], { tenant })).outcomes[0];
  };
  const held = async (tenant = "default") => {
    const rows: string[] = [];
    for await (const { view, row } of store.scan({ tenant }, { tenant })) rows.push(`${view} ${row?.entityKey.join()}`);
    return rows.sort();
  };
  const forget = (entity: Record<string, unknown>, tenant = "default", signal?: AbortSignal) =>
    eraseEntity({ definitions, store, clock: systemClock, settings }, { tenant, entity, confirmed: true, signal });
  return { definitions, store, write, held, forget, [Symbol.asyncDispose]: () => store.close() };
}

/** An erased entity is gone from every view that is about it, and only a later row brings it back; nobody else's rows are touched. */
export async function erasesOneEntity(onlineStore: string): Promise<void> {
  await using shop = await openShop(onlineStore, ALONE);
  const { write, held, forget } = shop;
  const feast = onlineStore.includes("feast");
  const past = systemClock.now() - 1_000_000;
  const ahead = systemClock.now() + 600_000_000;
  await write("plans", [KEY], past);
  await write("usage", [KEY], ahead);
  await write("visits", ["DE", 1, KEY], past);
  await write("visits", ["DE", 2, KEY], past);
  await write("visits", ["DE", 1, 7n], past);
  await write("plans", [7n], past);
  await write("shops", ["DE", 1], past);
  if (!feast) await write("plans", [KEY], past, "acme");
  const others = ["plans 7", "shops DE,1", "visits DE,1,7"];

  const preview = eraseEntity(
    { definitions: shop.definitions, store: shop.store, clock: systemClock },
    { tenant: "default", entity: { customer_id: KEY }, confirmed: false },
  );
  await expect(preview).rejects.toMatchObject({ code: "CONFIRMATION_REQUIRED", facts: { rows: 4 } });
  expect(await held()).toHaveLength(7);

  const report = await forget({ customer_id: String(KEY) });
  expect(report).toMatchObject({
    project: "p",
    tenant: "default",
    joinKeys: ["customer_id"],
    views: [
      { view: "plans", rows: 1, found: "key" },
      { view: "usage", rows: 1, found: "key" },
      { view: "visits", rows: 2, found: "search" },
    ],
  });
  expect(report.markers).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)]);
  expect(report.erasedAt).toBe(ahead);
  expect(await held()).toEqual(others);
  if (!feast) expect(await held("acme")).toEqual([`plans ${KEY}`]);

  // What was there comes back by none of its views; a later row is a new life.
  expect(await write("plans", [KEY], past)).toBe("stale");
  expect(await write("usage", [KEY], ahead)).toBe("stale");
  expect(await write("visits", ["FR", 9, KEY], past)).toBe("stale");
  if (!feast) expect(await write("plans", [KEY], past, "acme")).toBe("duplicate");
  expect(await held()).toEqual(others);
  expect(await write("plans", [KEY], ahead + 1)).toBe("applied");
  expect(await write("visits", ["DE", 1, 7n], past + 1)).toBe("applied");
  expect(await held()).toEqual(["plans 4242424242", ...others]);

  // Rows of a composite key, among them those of a view with further join keys; a second erasure of the same entity adds no marker.
  expect((await forget({ country: "DE", number: "1" })).views.map(({ rows }) => rows)).toEqual([1, 1]);
  const again = await forget({ customer_id: Number(KEY) });
  expect([again.markers, again.views[0]?.rows]).toEqual([report.markers, 1]);
  expect(await held()).toEqual(["plans 7"]);
  expect(await write("shops", ["DE", 1], past)).toBe("stale");
  expect(await write("shops", ["DE", 2], past)).toBe("applied");
}

/** A write whose rows are refused names them by their places, also where others of it are forgotten. */
export async function refusesAsBefore(onlineStore: string): Promise<void> {
  await using shop = await openShop(onlineStore, ALONE);
  const now = systemClock.now();
  await shop.forget({ customer_id: KEY });
  const row = (id: bigint, eventTime: number) => ({ entityKey: [id], eventTime, createdTime: undefined, values: [1] });
  const view = findView(shop.definitions, "plans");
  const call = { tenant: "default" };
  const far = shop.store.write(view, [row(KEY, now - 1), row(1n, now), row(2n, now + 1e12)], call);
  await expect(far).rejects.toMatchObject({ code: "INVALID_ROWS", facts: { rows: [2] } });
  expect(await shop.held()).toEqual([]);
  const mixed = await shop.store.write(view, [row(1n, now), row(KEY, now - 1), row(2n, now), row(1n, now)], call);
  expect(mixed).toMatchObject({
    outcomes: ["applied", "stale", "applied", "duplicate"],
    applied: 2,
    stale: 1,
    duplicate: 1,
  });
}

/** Names and values that name no entity are refused, and change nothing. */
export async function refusesWhatIsNoEntity(onlineStore: string): Promise<void> {
  await using shop = await openShop(onlineStore, ALONE);
  const code = (entity: Record<string, unknown>, tenant?: string) =>
    shop.forget(entity, tenant).then(
      () => "erased",
      ({ code, message }) => `${code}: ${message}`,
    );
  expect(await code({ customer: 1 })).toMatch(
    /^INVALID_REQUEST: "customer" is no join key .*customer_id \| country and number/,
  );
  expect(await code({ country: "DE" })).toMatch(/^INVALID_REQUEST: "country" is not all /);
  expect(await code({ customer_id: 1, country: "DE" })).toMatch(/^INVALID_REQUEST: "country" is not all /);
  expect(await code({ customer_id: "abc" })).toMatch(/^INVALID_REQUEST: Join key "customer_id" /);
  expect(await code({ customer_id: 1.5 })).toMatch(/^INVALID_REQUEST: Join key "customer_id" /);
  expect(await code({ country: "DE", number: "3000000000" })).toMatch(/^INVALID_REQUEST: Join key "number" /);
  expect(await code({})).toMatch(/^INVALID_REQUEST: No join key /);
  expect(await code({ customer_id: 1 }, "nobody")).toMatch(/^UNKNOWN_TENANT: /);
  expect(
    await shop.store.getMeta({ project: "p", tenant: "default" }, "erasures", { tenant: "default" }),
  ).toBeUndefined();
}

/** While another process hammers old rows, an erasure ends with none of them, and none comes back. `other` opens the same rows again. */
export async function winsAgainstWriters(onlineStore: string): Promise<void> {
  await using shop = await openShop(onlineStore, SETTINGS);
  await using other = await openShop(onlineStore, SETTINGS);
  const past = systemClock.now() - 1_000_000;
  const seen = new Set<string | undefined>();
  const end = new AbortController();
  const hammer = async (by: OnlineStore, view: string, keyOf: (round: number) => Key) => {
    for (let round = 0; !end.signal.aborted; round++) {
      seen.add(await shop.write(view, keyOf(round), past, "default", by));
      // A turn of the loop, so that timers and sockets of the others get theirs.
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const hammers = [
    hammer(other.store, "plans", () => [KEY]),
    hammer(other.store, "visits", (round) => ["DE", round % 50, KEY]),
    hammer(shop.store, "usage", () => [KEY]),
  ];
  await shop.write("plans", [8n], past);
  const report = await shop.forget({ customer_id: KEY });
  expect(await shop.held()).toEqual(["plans 8"]);
  for (let i = 0; i < 20; i++) await shop.write("plans", [KEY], past, "default", other.store);
  expect(await shop.held()).toEqual(["plans 8"]);
  end.abort();
  await Promise.all(hammers);
  expect(await shop.held()).toEqual(["plans 8"]);
  expect([...seen].sort()).toEqual(expect.arrayContaining(["applied", "stale"]));
  expect(report.views.every(({ rows }) => rows > 0)).toBe(true);
}

/** An erasure that is stopped while it waits has its marker, and repeating it finishes it; erasures at the same time are all kept. */
export async function mayBeRepeated(onlineStore: string): Promise<void> {
  await using shop = await openShop(onlineStore, ALONE);
  const past = systemClock.now() - 1_000_000;
  await shop.write("plans", [KEY], past);
  const stop = new AbortController();
  const settings = { leaseMs: 60_000, writeMs: 60_000 };
  const parts = { definitions: shop.definitions, store: shop.store, clock: systemClock, settings };
  const stopped = eraseEntity(parts, {
    tenant: "default",
    entity: { customer_id: KEY },
    confirmed: true,
    signal: stop.signal,
    onProgress: ({ phase }) => phase === "wait" && stop.abort(),
  });
  await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
  expect([await shop.held(), await shop.write("plans", [KEY], past)]).toEqual([[], "stale"]);

  const ids = [KEY, 1n, 2n, 3n, 4n];
  for (const id of ids) await shop.write("usage", [id], past);
  await Promise.all(ids.map((id) => shop.forget({ customer_id: id })));
  expect(await shop.held()).toEqual([]);
  for (const id of ids) expect(await shop.write("usage", [id], past)).toBe("stale");
}
