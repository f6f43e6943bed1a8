import { formatTime, systemClock } from "@larder/schema";
import { startRedis, startTcpProxy } from "@larder/testkit";
import { expect, test } from "vitest";
import { CHURN, goldenRows, writeRows } from "../support/churn.ts";
import { openWorld } from "../support/world.ts";

const DEADLINE_MS = 150;
/** What a loaded machine may add; the point is that nobody waits for Redis to come back. */
const SLACK_MS = 1000;

const POLICIES = {
  fail: "{ policy: fail }",
  stale: "{ policy: stale, max_age: 1h, otherwise: fail }",
  stale_or_defaults: "{ policy: stale, max_age: 1h, otherwise: defaults }",
  defaults: "{ policy: defaults }",
} as const;

function yaml(
  connectionString: string,
  onFailure: "fail" | "stale",
  policies: readonly (keyof typeof POLICIES)[],
): string {
  const store = `{ type: redis, connection_string: "${connectionString}", deadline: ${DEADLINE_MS}ms, on_failure: ${onFailure} }`;
  const models = policies.map(
    (name) => `  - { name: ${name}, path: churn/churn_numeric.onnx, feature_service: matrix, on_missing: nan,
      on_store_failure: ${POLICIES[name]}, prediction: { name: p, output: probabilities, index: 1 } }\n`,
  );
  return `${CHURN.slice(0, CHURN.indexOf("models:")).replace("{ type: memory }", store)}models:\n${models.join("")}`;
}

const ALL = Object.keys(POLICIES) as (keyof typeof POLICIES)[];

/** Redis behind a road that can be broken, and a server with one model per policy. Customer 0 is stored. */
async function openOutage(onFailure: "fail" | "stale", policies: readonly (keyof typeof POLICIES)[] = ALL) {
  await using opened = new AsyncDisposableStack();
  const redis = opened.use(await startRedis());
  const proxy = opened.use(await startTcpProxy(redis));
  const world = opened.use(await openWorld(yaml(proxy.connectionString, onFailure, policies)));
  world.clock.set(systemClock.now());
  await writeRows(world, "floats", [goldenRows(true)[0]?.features ?? []], 0, formatTime(world.clock.now()));
  const closing = opened.move();
  const predict = async (model: string, id = 0) => {
    const started = performance.now();
    const response = await world.post(`/models/${model}/predict`, { entity_rows: [{ customer_id: id }] });
    const ms = performance.now() - started;
    const header = response.headers["x-larder-degraded"];
    return { status: response.statusCode, ms, header, retry: response.headers["retry-after"], body: response.json() };
  };
  return { redis, proxy, world, predict, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}

const fresh = goldenRows(true)[0]?.onnx[1] ?? Number.NaN;

/** Per policy: the status with nothing known, and with the row known. 200 is a degraded answer. */
const EXPECTED = {
  fail: { cold: 503, warm: 503 },
  stale: { cold: 503, warm: 200 },
  stale_or_defaults: { cold: 200, warm: 200 },
  defaults: { cold: 200, warm: 200 },
} as const;

for (const fault of ["hung", "down", "slow"] as const) {
  for (const cache of ["cold", "warm"] as const) {
    test(`store ${fault}, memory ${cache}: each policy answers as it says, in time, and says so`, async () => {
      await using outage = await openOutage("fail");
      if (cache === "warm") {
        const before = await outage.predict("stale");
        expect(before.body.predictions[0].p).toBeCloseTo(fresh, 5);
        expect([before.body.metadata.degraded, before.header]).toEqual([false, undefined]);
      }
      if (fault === "hung") await outage.redis.kill("SIGSTOP");
      else if (fault === "down") await outage.redis.kill();
      else outage.proxy.delay(4 * DEADLINE_MS);

      let degraded = 0;
      for (const policy of ALL) {
        const answer = await outage.predict(policy);
        expect([policy, answer.status]).toEqual([policy, EXPECTED[policy][cache]]);
        expect(answer.ms).toBeLessThan(DEADLINE_MS + SLACK_MS);
        if (answer.status === 503) {
          expect([answer.retry, answer.body.code]).toEqual([
            "1",
            expect.stringMatching(/^STORE_(UNAVAILABLE|TIMEOUT)$/),
          ]);
          continue;
        }
        degraded++;
        expect([answer.body.metadata.degraded, answer.header]).toEqual([true, "true"]);
        const known = cache === "warm" && policy !== "defaults";
        if (known) expect(answer.body.predictions[0].p).toBeCloseTo(fresh, 5);
        else expect(answer.body.predictions[0].p).not.toBeCloseTo(fresh, 5);
      }
      const metrics = (await outage.world.get("/metrics")).body;
      expect(metrics).toContain(`larder_degraded_answers_total{tenant="default"} ${degraded}`);
      if (fault === "hung") await outage.redis.kill("SIGCONT");
    });
  }
}

test("get-online-features answers last known values where the yaml says on_failure: stale, and 503 for what it never read", async () => {
  await using outage = await openOutage("stale", ["fail"]);
  const ask = (id: number) =>
    outage.world.post("/get-online-features", { features: ["floats:tenure_months"], entities: { customer_id: [id] } });
  const before = (await ask(0)).json();
  outage.proxy.cut();
  const stale = await ask(0);
  expect(stale.headers["x-larder-degraded"]).toBe("true");
  expect(stale.json()).toEqual({ ...before, metadata: { ...before.metadata, degraded: true } });
  expect((await ask(1)).statusCode).toBe(503);
  const row = goldenRows(true)[0]?.features ?? [];
  await expect(writeRows(outage.world, "floats", [row], 0, formatTime(outage.world.clock.now()))).rejects.toThrow(
    /STORE_/,
  );
});

test("readiness needs the store only where some model would answer 503 without it", async () => {
  for (const [policies, status] of [
    [["stale", "defaults"], 200],
    [["stale", "fail"], 503],
  ] as const) {
    await using outage = await openOutage("fail", policies);
    outage.proxy.cut();
    const ready = await outage.world.get("/readyz");
    expect([policies, ready.statusCode]).toEqual([policies, status]);
    expect(ready.json().checks.store).toMatch(/^STORE_/);
    expect((await outage.world.get("/livez")).statusCode).toBe(200);
  }
});
