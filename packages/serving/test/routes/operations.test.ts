import { pathsOf, servedRoutes } from "@larder/contract";
import { expect, test } from "vitest";
import { buildApp } from "../../src/index.ts";
import { CHURN } from "../support/churn.ts";
import { feastError, openWorld, profileFrame } from "../support/world.ts";

test("a server with its store is alive, ready and healthy", async () => {
  await using world = await openWorld();
  const [livez, readyz, health] = [await world.get("/livez"), await world.get("/readyz"), await world.get("/health")];
  expect([livez.statusCode, livez.json()]).toEqual([200, { status: "alive" }]);
  expect([readyz.statusCode, readyz.json()]).toEqual([
    200,
    { status: "ready", checks: { server: "ok", store: "ok", models: "ok" } },
  ]);
  expect([health.statusCode, health.body]).toEqual([200, ""]);
});

test("without its store a server is alive and not ready; every call is a 503 that says when to repeat and nothing of the inside", async () => {
  await using world = await openWorld(CHURN);
  await world.store.close();
  expect((await world.get("/livez")).statusCode).toBe(200);
  expect((await world.get("/health")).statusCode).toBe(200);
  const ready = await world.get("/readyz");
  expect([ready.statusCode, ready.json().checks.store]).toEqual([503, "STORE_CLOSED"]);
  const event_timestamp = "2024-01-01";
  for (const [url, body] of [
    ["/get-online-features", { feature_service: "named", entities: { customer_id: [1] } }],
    ["/predict", { customer_id: 1 }],
    ["/delete-from-online-store", { feature_view_name: "floats", entities: { customer_id: [1] }, event_timestamp }],
  ] as const) {
    const response = await world.post(url, body);
    const error = url === "/get-online-features" ? feastError(response) : response.json();
    expect([response.statusCode, response.headers["retry-after"], error["code"]]).toEqual([503, "1", "STORE_CLOSED"]);
    expect(error["message"] ?? error["detail"]).toMatch(/^The online store is not available/);
  }
});

test("a server that was told to stop is not ready and still answers", async () => {
  await using world = await openWorld();
  const stopping = new AbortController();
  await using app = await buildApp({ ...world, stopping: stopping.signal });
  expect((await app.inject("/readyz")).statusCode).toBe(200);
  stopping.abort();
  const ready = await app.inject("/readyz");
  expect([ready.statusCode, ready.json().checks.server]).toEqual([503, "stopping"]);
  const body = { features: ["profile:age"], entities: { customer_id: [1] } };
  expect((await app.inject({ method: "POST", url: "/get-online-features", body })).statusCode).toBe(200);
});

test("a request keeps its id, and a bad one is replaced", async () => {
  await using world = await openWorld();
  const id = async (given: string) =>
    (await world.app.inject({ url: "/livez", headers: { "x-request-id": given } })).headers["x-request-id"];
  expect(await id("order-7")).toBe("order-7");
  for (const bad of ["", "a b", "x".repeat(65), "é"]) expect(await id(bad)).toMatch(/^[0-9a-f-]{36}$/);
});

test("metrics count requests, lookups, statuses, writes, predictions and errors, and name no entity", async () => {
  await using world = await openWorld(CHURN);
  await world.post("/predict", { entity_rows: [{ customer_id: 424242 }, { customer_id: 434343 }] });
  await world.post("/predict", { customer_id: "abc" });
  await world.post("/get-online-features", { features: ["floats:partner"], entities: { customer_id: [424242] } });
  await world.post("/delete-from-online-store", {
    feature_view_name: "floats",
    entities: { customer_id: [424242] },
    event_timestamp: "2024-01-01",
  });
  const response = await world.get("/metrics");
  expect(response.headers["content-type"]).toContain("text/plain");
  const text = response.body;
  for (const line of [
    'larder_request_duration_seconds_count{route="/predict",status="200"} 1',
    'larder_request_duration_seconds_count{route="/predict",status="422"} 1',
    'larder_lookup_duration_seconds_count{tenant="default"} 2',
    'larder_lookup_duration_seconds_bucket{le="+Inf",tenant="default"} 2',
    'larder_feature_values_total{view="customers",tenant="default",status="NOT_FOUND"} 38',
    'larder_feature_values_total{view="floats",tenant="default",status="NOT_FOUND"} 1',
    'larder_written_rows_total{view="floats",tenant="default",status="applied"} 1',
    'larder_predictions_total{model="churn",tenant="default",status="refused"} 2',
    'larder_errors_total{code="INVALID_REQUEST"} 1',
  ]) {
    expect(text).toContain(line);
  }
  for (const edge of ["0.001", "0.002", "0.005", "0.01", "0.025", "0.05", "0.1", "+Inf"])
    expect(text).toContain(`le="${edge}"`);
  expect(text).not.toMatch(/424242|434343/);
});

test("stored rows that cannot be used are counted, of this project only", async () => {
  await using world = await openWorld();
  const { rowFaults } = await import("@larder/store-core");
  const fault = { kind: "invalid", tenant: "default", view: "profile", keyHash: "0", features: [] };
  rowFaults.publish({ ...fault, project: "shop" });
  rowFaults.publish({ ...fault, project: "another" });
  const { body } = await world.get("/metrics");
  expect(body).toContain('larder_row_faults_total{view="profile",tenant="default",status="invalid"} 1');
});

test("signals that were not sent and what the near cache does are counted, of this project only", async () => {
  await using world = await openWorld();
  const { nearCacheUses, storeSignals } = await import("@larder/store-core");
  const signal = { tenant: "default", view: "profile" };
  storeSignals.publish({ ...signal, project: "shop", failed: undefined });
  storeSignals.publish({ ...signal, project: "shop", failed: "STORE_MISCONFIGURED" });
  storeSignals.publish({ ...signal, project: "another", failed: undefined });
  const use = { tenant: "default", hits: 3, misses: 2, evictions: 1, flushes: 1, bytes: 4096 };
  nearCacheUses.publish({ ...use, project: "shop" });
  nearCacheUses.publish({ ...use, project: "another", bytes: 1 });
  const { body } = await world.get("/metrics");
  for (const line of [
    'larder_signals_total{view="profile",tenant="default",status="sent"} 1',
    'larder_signals_total{view="profile",tenant="default",status="STORE_MISCONFIGURED"} 1',
    'larder_near_cache_rows_total{tenant="default",status="hit"} 3',
    'larder_near_cache_rows_total{tenant="default",status="miss"} 2',
    'larder_near_cache_rows_total{tenant="default",status="evicted"} 1',
    'larder_near_cache_flushes_total{tenant="default"} 1',
    "larder_near_cache_bytes 4096",
  ]) {
    expect(body).toContain(line);
  }
});

test("every route of the contract is served", async () => {
  await using world = await openWorld();
  for (const [route, path] of Object.values(servedRoutes({ strictFeast: false })).flatMap((route) =>
    pathsOf(route).map((path) => [route, path] as const),
  )) {
    const url = path.replace("{model}", "x").replace("{tenant}", "acme");
    const response = await world.app.inject({
      method: route.method,
      url,
      headers: { "content-type": "application/json" },
    });
    expect([path, [404, 405].includes(response.statusCode) && !/UNKNOWN_(MODEL|JOB)/.test(response.body)]).toEqual([
      path,
      false,
    ]);
  }
});

test("a second app on the same store has its own counters", async () => {
  await using world = await openWorld();
  await using other = await buildApp(world);
  await world.post("/push", { push_source_name: "people", df: profileFrame([1]) });
  expect((await other.inject("/metrics")).body).not.toContain('view="profile"');
});

test("an answer says where its time went, and metrics count each stage and tell of the process", async () => {
  await using world = await openWorld(CHURN);
  await world.post("/predict", { customer_id: 1 });
  const features = { features: ["floats:partner"], entities: { customer_id: [1] } };
  const response = await world.post("/get-online-features", features);
  const timing = String(response.headers["server-timing"]);
  expect(timing).toMatch(/^queue;dur=[\d.]+, store;dur=[\d.]+, encode;dur=[\d.]+, total;dur=[\d.]+$/);
  const [queue = 0, store = 0, encode = 0, total = 0] = [...timing.matchAll(/dur=([\d.]+)/g)].map(([, ms]) =>
    Number(ms),
  );
  expect(queue + store + encode).toBeCloseTo(total, 1);
  const predicted = await world.post("/predict", { customer_id: 1 });
  expect(predicted.headers["server-timing"]).toMatch(
    /^queue;dur=[\d.]+, store;dur=[\d.]+, decode;dur=[\d.]+, model;dur=[\d.]+, encode;dur=[\d.]+, total;dur=[\d.]+$/,
  );
  const { body } = await world.get("/metrics");
  for (const [stage, count] of [
    ["queue", 3],
    ["store", 3],
    ["decode", 2],
    ["model", 2],
    ["encode", 3],
  ] as const) {
    expect(body).toContain(`larder_stage_duration_seconds_count{stage="${stage}"} ${count}\n`);
    expect(body).toContain(`larder_stage_duration_seconds_bucket{le="+Inf",stage="${stage}"} ${count}\n`);
  }
  for (const name of [
    'larder_event_loop_delay_seconds{quantile="0.99"}',
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
  ])
    expect(body).toMatch(new RegExp(`^${name.replaceAll(/[{}.]/g, "\\$&")} [\\d.e-]+$`, "m"));
});
