import { LarderError } from "@larder/schema";
import { openOnlineStore } from "@larder/store-core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { buildApp, type MaterializeOutcome, type MaterializeRun } from "../../src/index.ts";
import { MAX_JOBS, MAX_RUNNING } from "../../src/materialize/materialize-jobs.ts";
import { feastError, openWorld, type World } from "../support/world.ts";

const VIEWS = ["a", "b", "c", "d", "e"];
const YAML = `
project: shop
online_store: { type: memory }
offline_store: { type: duckdb, path: data }
entities:
  - { name: customer, join_keys: [{ name: customer_id, type: int64 }] }
feature_views:
${VIEWS.map((name) => `  - { name: ${name}, entity: customer, features: [{ name: x, type: int32 }], source: { path: "${name}/{tenant}", timestamp_field: t } }`).join("\n")}
  - { name: pushed, entity: customer, features: [{ name: x, type: int32 }] }
tenants: { default: {}, acme: {} }
`;

/** One run that the server has started, and how the test ends it. */
interface Started {
  readonly run: MaterializeRun;
  readonly end: (outcome: MaterializeOutcome) => void;
  readonly fail: (error: unknown) => void;
}

const NOTHING: MaterializeOutcome = { views: [], warnings: [] };
let world: World;
let started: Started[];
let app: World["app"];

beforeEach(async () => {
  world = await openWorld(YAML);
  started = [];
  app = await buildApp({
    ...world,
    materialize: (run) => {
      const { promise, resolve: end, reject: fail } = Promise.withResolvers<MaterializeOutcome>();
      run.signal.addEventListener("abort", () =>
        fail(new LarderError("ABORTED", { what: "The run was cancelled", remedy: "Run it again" })),
      );
      started.push({ run, end, fail });
      return promise;
    },
  });
});

afterEach(async () => {
  await app.close();
  await world[Symbol.asyncDispose]();
});

const post = (url: string, body: object, headers: Record<string, string> = {}) =>
  app.inject({ method: "POST", url, payload: body, headers });
const WINDOW = { start_ts: "2023-12-01T00:00:00", end_ts: "2023-12-02T00:00:00+01:00" };

test("/materialize runs the window that Feast's body names, over every view with a source, and answers null", async () => {
  const answer = post("/materialize", { ...WINDOW, full_feature_names: false, version: null });
  await expect.poll(() => started.length).toBe(1);
  expect(started[0]?.run).toMatchObject({
    window: { start: Date.UTC(2023, 11, 1) * 1000, end: Date.UTC(2023, 11, 1, 23) * 1000 },
    tenant: "default",
    views: VIEWS,
  });
  started[0]?.end(NOTHING);
  const { statusCode, body, headers } = await answer;
  expect([statusCode, body, headers["content-type"]]).toEqual([200, "null", "application/json; charset=utf-8"]);
});

test("/materialize-incremental runs up to an end, for the tenant of the header and the views of the body", async () => {
  const body = { end_ts: "2024-01-01", feature_views: ["b", "a", "b"] };
  const answer = post("/materialize-incremental", body, { "x-larder-tenant": "acme" });
  await expect.poll(() => started.length).toBe(1);
  const { window, tenant, views } = started[0]!.run;
  expect({ window, tenant, views }).toEqual({
    window: { incrementalTo: Date.UTC(2024, 0, 1) * 1000 },
    tenant: "acme",
    views: ["b", "a"],
  });
  started[0]?.end(NOTHING);
  expect((await answer).statusCode).toBe(200);
});

test("a tenant that a source holds no rows of is told so, and nothing runs", async () => {
  await using own = await openWorld(YAML.replace('"e/{tenant}"', "e"));
  const headers = { "x-larder-tenant": "acme" };
  for (const url of ["/materialize", "/feast/materialize?async=true"]) {
    const response = await own.post(url, WINDOW, headers);
    expect([url, response.statusCode]).toEqual([url, 422]);
    expect(feastError(response)).toMatchObject({ code: "INVALID_REQUEST", message: expect.stringContaining('"e"') });
  }
});

test("disable_event_timestamp means from the beginning to now", async () => {
  await post("/materialize?async=true", { disable_event_timestamp: true, start_ts: null });
  const now = world.clock.now();
  expect(started[0]?.run.window).toEqual({ start: -Number.MAX_SAFE_INTEGER, end: now });
});

test("async answers 202 with a job, which says how it stands, to its own tenant alone", async () => {
  const response = await post("/materialize?async=true", { ...WINDOW, feature_views: ["a"] });
  expect([response.statusCode, response.json()]).toMatchObject([202, { status: "accepted", feature_views: ["a"] }]);
  const url = String(response.headers["location"]);
  expect(url).toBe(`/materialize/jobs/${response.json().job_id}`);
  expect((await app.inject(url)).json()).toEqual({
    job_id: response.json().job_id,
    status: "running",
    feature_views: ["a"],
    started_at: "2024-01-01T00:00:00.000000Z",
  });
  const foreign = await app.inject({ url, headers: { "x-larder-tenant": "acme" } });
  expect([foreign.statusCode, foreign.json().code]).toEqual([404, "UNKNOWN_JOB"]);

  world.clock.advance(1_500_000);
  const counts = { rows: 6, applied: 1, duplicate: 2, stale: 1, expired: 1, conflict: 0, refused: 1 };
  started[0]?.end({ views: [{ view: "a", ...counts, pastTtl: 4 }], warnings: ["4 of 6"] });
  await expect.poll(async () => (await app.inject(url)).json().status).toBe("succeeded");
  expect((await app.inject(url)).json()).toMatchObject({
    ended_at: "2024-01-01T00:00:01.500000Z",
    views: [{ feature_view: "a", ...counts, past_ttl: 4 }],
    warnings: ["4 of 6"],
  });
});

test("a job that failed says why; a fault of ours only by its code", async () => {
  const failure = async (error: unknown) => {
    const { headers } = await post("/materialize?async=true", WINDOW);
    started.at(-1)?.fail(error);
    const url = String(headers["location"]);
    await expect.poll(async () => (await app.inject(url)).json().status).toBe("failed");
    return (await app.inject(url)).json().error;
  };
  const refused = new LarderError("INVALID_REQUEST", { what: "END is old", remedy: "Later", facts: { field: "end" } });
  expect(await failure(refused)).toMatchObject({ code: "INVALID_REQUEST", detail: "END is old", field: "end" });
  const file = new LarderError("SOURCE_NOT_FOUND", { what: "No file at /secret/path", remedy: "Write one" });
  const ours = await failure(file);
  expect(ours).toMatchObject({ code: "SOURCE_NOT_FOUND", status: 500 });
  expect(JSON.stringify(ours)).not.toContain("secret");
  expect(await failure(new Error("a bug at /secret/path"))).toMatchObject({ code: "INTERNAL" });
});

test("a second run on a view that is under way is refused with 409 naming it; other views and tenants are not", async () => {
  await post("/materialize?async=true", { ...WINDOW, feature_views: ["a", "b"] });
  for (const [url, body] of [
    ["/materialize", { ...WINDOW, feature_views: ["c", "b"] }],
    ["/materialize?async=true", { ...WINDOW, feature_views: ["b"] }],
    ["/materialize-incremental", { end_ts: "2024-01-01", feature_views: ["b"] }],
  ] as const) {
    const response = await post(url, body);
    expect(response.statusCode).toBe(409);
    expect(feastError(response)).toMatchObject({
      code: "STORE_CONFLICT",
      message: expect.stringContaining('"b"'),
      field: "feature_views",
    });
  }
  const one = { ...WINDOW, feature_views: ["c"] };
  expect((await post("/materialize?async=true", one)).statusCode).toBe(202);
  const acme = await post(
    "/materialize?async=true",
    { ...WINDOW, feature_views: ["b"] },
    { "x-larder-tenant": "acme" },
  );
  expect(acme.statusCode).toBe(202);
  started[0]?.end(NOTHING);
  await started[0];
  expect((await post("/materialize?async=true", { ...WINDOW, feature_views: ["b"] })).statusCode).toBe(202);
  expect(started.length).toBe(4);
});

test("no more runs than the limit at once, and no more jobs are remembered than that limit", async () => {
  for (const view of VIEWS.slice(0, MAX_RUNNING)) {
    expect((await post("/materialize?async=true", { ...WINDOW, feature_views: [view] })).statusCode).toBe(202);
  }
  const beyond = await post("/materialize?async=true", { ...WINDOW, feature_views: [VIEWS[MAX_RUNNING]] });
  expect([beyond.statusCode, beyond.headers["retry-after"], feastError(beyond)["code"]]).toEqual([
    429,
    "1",
    "RATE_LIMITED",
  ]);
  const ids: string[] = [];
  for (const each of started.slice(1)) each.end(NOTHING);
  for (let i = 0; i < MAX_JOBS + 2; i++) {
    const response = await post("/materialize?async=true", { ...WINDOW, feature_views: ["b"] });
    ids.push(response.json().job_id);
    started.at(-1)?.end(NOTHING);
  }
  const statuses = await Promise.all(ids.map(async (id) => (await app.inject(`/materialize/jobs/${id}`)).statusCode));
  expect(statuses.filter((status) => status === 404).length, "all but one of the places, which a running job has").toBe(
    3,
  );
  expect(statuses.slice(0, 3)).toEqual([404, 404, 404]);
});

test.each<[string, string, object, number, string, string]>([
  ["no start", "/materialize", { end_ts: "2024-01-01" }, 422, "INVALID_REQUEST", "start_ts"],
  ["no end", "/materialize", { start_ts: "2024-01-01" }, 422, "INVALID_REQUEST", "end_ts"],
  ["no times at all", "/materialize", {}, 422, "INVALID_REQUEST", "start_ts"],
  [
    "times in the wrong order",
    "/materialize",
    { start_ts: "2024-01-02", end_ts: "2024-01-01" },
    422,
    "INVALID_REQUEST",
    "start_ts",
  ],
  ["no time", "/materialize", { ...WINDOW, start_ts: "yesterday" }, 422, "INVALID_REQUEST", "start_ts"],
  ["a number for a time", "/materialize-incremental", { end_ts: 1 }, 422, "INVALID_REQUEST", "end_ts"],
  [
    "both kinds of window",
    "/materialize",
    { ...WINDOW, disable_event_timestamp: true },
    422,
    "INVALID_REQUEST",
    "disable_event_timestamp",
  ],
  ["an unknown view", "/materialize", { ...WINDOW, feature_views: ["a", "zzz"] }, 404, "UNKNOWN_VIEW", "feature_views"],
  [
    "a view without source",
    "/materialize",
    { ...WINDOW, feature_views: ["pushed"] },
    422,
    "INVALID_REQUEST",
    "feature_views",
  ],
  [
    "no view",
    "/materialize-incremental",
    { end_ts: "2024-01-01", feature_views: [] },
    422,
    "INVALID_REQUEST",
    "feature_views",
  ],
  ["a version", "/materialize", { ...WINDOW, version: "v1" }, 422, "INVALID_REQUEST", "version"],
  ["force", "/materialize?force=true", WINDOW, 422, "UNSUPPORTED", "force"],
  ["async that is no flag", "/materialize?async=1", WINDOW, 422, "INVALID_REQUEST", "async"],
])("%s is a client's mistake, in Feast's body, and starts nothing", async (_, url, body, status, code, field) => {
  const response = await post(url, body);
  expect([response.statusCode, feastError(response)]).toMatchObject([status, { code, field }]);
  expect(started).toEqual([]);
});

test("a server that closes cancels its runs and waits for them", async () => {
  const answer = post("/materialize", WINDOW);
  await expect.poll(() => started.length).toBe(1);
  await app.close();
  expect(started[0]?.run.signal.aborted).toBe(true);
  expect(feastError(await answer)["code"]).toBe("ABORTED");
});

test("a server made without materialize refuses", async () => {
  await using store = await openOnlineStore(world.definitions, { clock: world.clock }).then((opened) => ({
    opened,
    [Symbol.asyncDispose]: () => opened.close(),
  }));
  await using plain = await buildApp({ ...world, store: store.opened });
  const response = await plain.inject({ method: "POST", url: "/materialize", payload: WINDOW });
  expect([response.statusCode, feastError(response)["code"]]).toEqual([422, "UNSUPPORTED"]);
});
