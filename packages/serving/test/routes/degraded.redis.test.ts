import { formatTime, systemClock } from "@larder/schema";
import { startRedis, startTcpProxy } from "@larder/testkit";
import { expect, test } from "vitest";
import { CHURN, goldenRows, writeRows } from "../support/churn.ts";
import { feastError, openWorld } from "../support/world.ts";

const DEADLINE_MS = 250;
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
  const store = `{ type: redis, connection_string: "${connectionString}", deadline: ${DEADLINE_MS}ms, write_deadline: 30s, on_failure: ${onFailure} }`;
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

const FAULTS = ["hung", "down", "slow"] as const;
type Fault = (typeof FAULTS)[number];
type Outage = Awaited<ReturnType<typeof openOutage>>;

async function breakStore({ redis, proxy }: Outage, fault: Fault): Promise<void> {
  if (fault === "hung") await redis.kill("SIGSTOP");
  else if (fault === "down") await redis.kill();
  else proxy.delay(2 * DEADLINE_MS);
}

/** `larder_errors_total` has them by code, `larder_degraded_answers_total` the answers without the store. */
async function expectCounted({ world }: Outage, counts: { readonly degraded: number; readonly failed: number }) {
  const metrics = (await world.get("/metrics")).body;
  if (counts.degraded > 0)
    expect(metrics).toContain(`larder_degraded_answers_total{tenant="default"} ${counts.degraded}\n`);
  else expect(metrics).not.toMatch(/^larder_degraded_answers_total\{.*\} [1-9]/m);
  const failed = [...metrics.matchAll(/^larder_errors_total\{code="STORE_(?:UNAVAILABLE|TIMEOUT)"\} (\d+)$/gm)];
  expect(failed.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(counts.failed);
}

for (const fault of FAULTS) {
  for (const cache of ["cold", "warm"] as const) {
    test(`store ${fault}, memory ${cache}: each model's policy answers as it says, in time, and says so`, async () => {
      await using outage = await openOutage("fail");
      if (cache === "warm") {
        const before = await outage.predict("stale");
        expect(before.body.predictions[0].p).toBeCloseTo(fresh, 5);
        expect([before.body.metadata.degraded, before.header]).toEqual([false, undefined]);
      }
      await breakStore(outage, fault);

      let degraded = 0;
      for (const policy of ALL) {
        // While Redis is as it is: who waits for it does not end.
        const answer = await outage.predict(policy);
        expect([policy, answer.status]).toEqual([policy, EXPECTED[policy][cache]]);
        expect(answer.ms).toBeLessThan(DEADLINE_MS + SLACK_MS);
        if (answer.status === 503) {
          expect([answer.retry, answer.header, answer.body.code]).toEqual([
            "1",
            undefined,
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
      await expectCounted(outage, { degraded, failed: ALL.length - degraded });
      if (fault === "hung") await outage.redis.kill("SIGCONT");
    });

    test(`store ${fault}, memory ${cache}: /get-online-features answers as on_failure says, in time, and says so`, async () => {
      for (const onFailure of ["fail", "stale"] as const) {
        await using outage = await openOutage(onFailure, ["fail"]);
        const ask = () =>
          outage.world.post("/get-online-features?age=true", {
            features: ["floats:tenure_months"],
            entities: { customer_id: [0] },
          });
        const before = cache === "warm" ? (await ask()).json() : undefined;
        await breakStore(outage, fault);
        const started = performance.now();
        const answer = await ask();
        expect(performance.now() - started).toBeLessThan(DEADLINE_MS + SLACK_MS);
        const { headers, statusCode } = answer;
        if (onFailure === "stale" && cache === "warm") {
          expect([statusCode, headers["x-larder-degraded"]]).toEqual([200, "true"]);
          const { results, metadata } = answer.json();
          expect(metadata).toEqual({ ...before.metadata, degraded: true });
          expect(results[1]).toMatchObject({ values: before.results[1].values, sources: ["last_known_good"] });
        } else {
          expect([statusCode, headers["x-larder-degraded"], headers["retry-after"]]).toEqual([503, undefined, "1"]);
          expect(feastError(answer)["code"]).toMatch(/^STORE_(UNAVAILABLE|TIMEOUT)$/);
        }
        const degraded = statusCode === 200 ? 1 : 0;
        await expectCounted(outage, { degraded, failed: 1 - degraded });
        if (fault === "hung") await outage.redis.kill("SIGCONT");
      }
    });
  }
}

test("last known values stand for what was read, and for nothing else; writes are never degraded", async () => {
  await using outage = await openOutage("stale", ["fail"]);
  const ask = (id: number) =>
    outage.world.post("/get-online-features", { features: ["floats:tenure_months"], entities: { customer_id: [id] } });
  await ask(0);
  outage.proxy.cut();
  expect((await ask(0)).statusCode).toBe(200);
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
