import { join } from "node:path";
import { type Definitions, type LarderError, parseDefinitions } from "@larder/schema";
import { type OnlineStore, openOnlineStore } from "@larder/store-core";
import { type LogicalClock, logicalClock } from "@larder/testkit";
import type { FastifyInstance, LightMyRequestResponse } from "fastify";
import { buildApp, loadModels, type ModelRegistry, openAuthenticator, readTlsFiles } from "../../src/index.ts";

/** Where relative paths of the test definitions count from. */
export const FIXTURES = join(import.meta.dirname, "..", "fixtures");

/** What the tests start from, 2024-01-01T00:00:00Z, as the logical clock does. */
export const NOW = "2024-01-01T00:00:00Z";

/** Every value type, a composite key, a view without entities, and two views behind one push source. */
export const FEATURES = `
project: shop
online_store: { type: memory }
entities:
  - { name: customer, join_keys: [{ name: customer_id, type: int64 }] }
  - { name: product, join_keys: [{ name: product_code, type: string }] }
feature_views:
  - name: profile
    entity: customer
    online_ttl: 1h
    keep_stale: 1h
    push_source: people
    features:
      - { name: age, type: int32 }
      - { name: points, type: int64 }
      - { name: score, type: float32 }
      - { name: income, type: float64 }
      - { name: vip, type: bool }
      - { name: plan, type: string }
      - { name: avatar, type: bytes }
      - { name: joined, type: unix_timestamp }
      - { name: tags, type: list<string> }
      - { name: ids, type: list<int64> }
  - name: clicks
    entity: customer
    push_source: people
    max_future: 1s
    features: [{ name: count_7d, type: int64 }]
  - name: usage
    entities: [customer, product]
    features: [{ name: minutes, type: float32 }]
  - name: totals
    entities: []
    features: [{ name: customers, type: int64 }]
  - name: other
    entity: customer
    features: [{ name: age, type: int32 }]
feature_services:
  - { name: profile_v1, features: ["profile:plan", "profile:age"] }
tenants:
  default: {}
  acme: { ttl: { profile: 2h } }
  "Zürich, Ost": {}
`;

/** A running app on a real memory store, with a clock that stands still. */
export interface World extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly definitions: Definitions;
  readonly store: OnlineStore;
  readonly models: ModelRegistry;
  readonly clock: LogicalClock;
  post(url: string, body: unknown, headers?: Record<string, string>): Promise<LightMyRequestResponse>;
  get(url: string): Promise<LightMyRequestResponse>;
}

/** Starts an app on definitions given as yaml; what it reports of its keys goes to `problems`. */
export async function openWorld(yaml: string = FEATURES, problems: LarderError[] = []): Promise<World> {
  const definitions = definitionsOf(yaml);
  const { auth, tls } = definitions.server;
  const clock = logicalClock();
  await using opened = new AsyncDisposableStack();
  const store = opened.use(await openOnlineStore(definitions, { clock }));
  const models = opened.use(await loadModels(definitions));
  const onProblem = (problem: LarderError) => void problems.push(problem);
  const watching = { clock, onProblem, pollMs: 10, fetchMs: 2_000 };
  const authenticator = typeof auth === "object" ? await openAuthenticator(auth, watching) : undefined;
  if (authenticator !== undefined) opened.defer(() => authenticator.close());
  const app = await buildApp({
    definitions,
    store,
    models,
    clock,
    ...(authenticator === undefined ? {} : { authenticator }),
    ...(tls === undefined ? {} : { tls: await readTlsFiles(tls) }),
  });
  opened.defer(() => app.close());
  const closing = opened.move();
  return {
    app,
    definitions,
    store,
    models,
    clock,
    post: (url, body, headers = {}) =>
      app.inject({
        method: "POST",
        url,
        headers: { "content-type": "application/json", ...headers },
        payload: typeof body === "string" || body instanceof Buffer ? body : JSON.stringify(body),
      }),
    get: (url) => app.inject({ method: "GET", url }),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** Definitions whose relative paths count from the fixtures. */
function definitionsOf(yaml: string): Definitions {
  return parseDefinitions(yaml, { file: join(FIXTURES, "feature_store.yaml"), env: {} });
}

/** A whole profile row as a columnar frame; overrides by column. */
export function profileFrame(
  customers: readonly unknown[],
  overrides: Record<string, unknown> = {},
): Record<string, unknown[]> {
  const row = {
    age: 40,
    points: 7,
    score: 0.5,
    income: 1200.5,
    vip: true,
    plan: "gold",
    avatar: "AP8=",
    joined: 1700000000,
    tags: ["a", "é"],
    ids: [1, 2],
    count_7d: 3,
    event_timestamp: NOW,
    created: null,
    ...overrides,
  };
  return Object.fromEntries([
    ["customer_id", [...customers]],
    ...Object.entries(row).map(([name, value]) => [name, customers.map(() => value)]),
  ]);
}

/** The error inside one of Feast's bodies: a JSON string that holds JSON. */
export function feastError(response: LightMyRequestResponse): Record<string, unknown> {
  const outer: unknown = JSON.parse(response.body);
  if (typeof outer !== "string") throw new Error(`not a JSON string: ${response.body}`);
  return JSON.parse(outer);
}
