import { propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { monthlyCost } from "../../src/capacity/monthly-cost.ts";
import { planCapacity } from "../../src/capacity/plan-capacity.ts";
import { capacityText } from "../../src/cli/render/capacity-report.ts";

const GIB = 1024 ** 3;
const MEASURED = { ownBytes: 400, expiringShare: 0, fragmentation: 1.2, serverMicros: 200, storeMicros: 10 };
const WANTED = { entities: 16_000_000, requestsPerSecond: 1_000, nodeMemory: 16 * GIB };

test("the plan follows its formulas", () => {
  const data = 16e6 * 400 + 8 * 2 ** 24;
  const node = ((data + 4 * 2 ** 24) * 1.2) / 0.75;
  expect(planCapacity(MEASURED, WANTED)).toEqual({
    dataBytes: data,
    nodeBytes: Math.round(node),
    primaries: 1,
    primariesFor: { memory: 1, cpu: 1 },
    replicas: 1,
    servers: 2,
    cores: { servers: 2, redis: 2 },
    headroom: { memory: 1 - node / (16 * GIB), servers: 1 - 0.1, redis: 1 - 0.01 },
  });
  expect(planCapacity(MEASURED, { ...WANTED, nodeMemory: 4 * GIB })).toMatchObject({ primaries: 3, replicas: 3 });
  expect(planCapacity(MEASURED, { ...WANTED, requestsPerSecond: 120_000 })).toMatchObject({
    primariesFor: { memory: 1, cpu: 3 },
    primaries: 3,
    servers: 48,
  });
});

test("whatever is asked, a plan holds it, and one primary less would not", () => {
  const measured = fc.record({
    ownBytes: fc.double({ min: 50, max: 5_000, noNaN: true }),
    expiringShare: fc.constantFrom(0, 0.5, 1),
    fragmentation: fc.double({ min: 1, max: 2, noNaN: true }),
    serverMicros: fc.double({ min: 20, max: 5_000, noNaN: true }),
    storeMicros: fc.double({ min: 1, max: 1_000, noNaN: true }),
  });
  const wanted = fc.record({
    entities: fc.integer({ min: 1, max: 50_000_000 }),
    requestsPerSecond: fc.integer({ min: 1, max: 50_000 }),
    nodeMemory: fc.integer({ min: GIB, max: 64 * GIB }),
  });
  fc.assert(
    fc.property(measured, wanted, (each, asked) => {
      const { primaries, primariesFor, servers, headroom, nodeBytes } = planCapacity(each, asked);
      expect(nodeBytes).toBeLessThanOrEqual(asked.nodeMemory);
      expect(Math.min(headroom.servers, headroom.redis)).toBeGreaterThanOrEqual(0.5 - 1e-9);
      expect(headroom.memory).toBeGreaterThanOrEqual(0);
      expect(servers).toBeGreaterThanOrEqual(2);
      expect(primaries).toBe(Math.max(primariesFor.memory, primariesFor.cpu));
      const fewer = primariesFor.cpu - 1;
      if (fewer > 0) expect((asked.requestsPerSecond * each.storeMicros) / 1e6 / fewer).toBeGreaterThan(0.5);
    }),
    propertySettings(200),
  );
});

test("what no cluster holds is refused", () => {
  expect(() => planCapacity(MEASURED, { ...WANTED, entities: 1e12, nodeMemory: 1e6 })).toThrow(
    /more than 1000 primaries/,
  );
  expect(() => planCapacity(MEASURED, { ...WANTED, requestsPerSecond: 1e9 })).toThrow(/requests per second/);
});

test("a month costs the nodes' memory and the servers' cores", () => {
  const plan = planCapacity(MEASURED, WANTED);
  expect(monthlyCost(plan, 16 * GIB, { usdPerGib: 12, usdPerCore: 30 })).toEqual({
    redis: 384,
    servers: 60,
    total: 444,
  });
});

test("the report shows the formulas with their figures", () => {
  const measured = { ...MEASURED, entities: 2_000, requests: 900, examples: [] };
  const text = capacityText({ ...WANTED, views: ["a"], measured, plan: planCapacity(MEASURED, WANTED) });
  for (const line of [
    "data of 16000000 entities",
    "400.0 bytes per entity of 2000",
    "a node    = (data / 1 + half its tables) x 1.20 / (1 - 0.25)",
    "servers   = 1000/s x 200 us / 0.5, at least 2",
  ])
    expect(text).toContain(line);
});
