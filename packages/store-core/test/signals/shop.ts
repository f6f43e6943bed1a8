import { type Definitions, findView, parseDefinitions, systemClock } from "@larder/schema";
import { type FreshnessSignal, type OnlineStore, openOnlineStore, type Subscription } from "@larder/store-core";

/** Definitions over a server, with long deadlines: what these tests wait for is never a store that is slow. */
export function definitionsOf(
  connectionString: string,
  store = "",
  tenants = "{ default: {}, acme: {} }",
): Definitions {
  return parseDefinitions(`
project: p
online_store: { type: redis, connection_string: "${connectionString}", deadline: 10s, write_deadline: 10s ${store} }
entities: [{ name: customer, join_keys: [{ name: id, type: int64 }] }]
feature_views:
  - { name: a, entity: customer, online_ttl: 50s, keep_stale: 1h, features: [{ name: x, type: float32 }] }
  - { name: b, entity: customer, features: [{ name: s, type: string }] }
  - { name: wide, entity: customer, features: [{ name: p, type: float32 }, { name: q, type: float32 }] }
tenants: ${tenants}
`);
}

export const CALL = { tenant: "default" };

export const SCOPE = { tenant: "default", view: "a" };

export async function openShop(definitions: Definitions, clock = systemClock) {
  const store = await openOnlineStore(definitions, { clock });
  const put = (ids: readonly number[], x = 1, tenant = "default") =>
    store.write(
      findView(definitions, "a"),
      ids.map((id) => ({ entityKey: [BigInt(id)], eventTime: clock.now(), createdTime: undefined, values: [x] })),
      { tenant },
    );
  return { store, put, definitions, [Symbol.asyncDispose]: () => store.close() };
}

/** A subscription to view `a` that has heard how things stand. */
export async function subscribed(store: OnlineStore): Promise<Subscription> {
  const heard = store.subscribe(SCOPE, CALL);
  const first = await take(heard);
  if (first.kind !== "gap" || first.cause !== "subscribed") throw new Error(`First came ${JSON.stringify(first)}`);
  return heard;
}

export async function take(heard: Subscription): Promise<FreshnessSignal> {
  const { value } = await heard.next();
  if (value === undefined) throw new Error("The subscription has ended");
  return value;
}

/** Takes signals up to the first that fits, and answers it with what came before. */
export async function takeUntil(
  heard: Subscription,
  fits: (signal: FreshnessSignal) => boolean,
): Promise<readonly FreshnessSignal[]> {
  for (const taken: FreshnessSignal[] = []; ; ) {
    const signal = await take(heard);
    taken.push(signal);
    if (fits(signal)) return taken;
  }
}

/** `moved`, or the cause of a gap. */
export function kindOf(signal: FreshnessSignal | undefined): string | undefined {
  return signal?.kind === "gap" ? signal.cause : signal?.kind;
}
