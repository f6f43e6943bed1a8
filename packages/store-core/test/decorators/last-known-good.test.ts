import { LarderError } from "@larder/schema";
import { expect, test } from "vitest";
import { withLastKnownGood } from "../../src/decorators/last-known-good.ts";
import { cellsOf, NearWorld, Rigged, SECOND } from "./near-cache-world.ts";

test("of two overlapping reads the one that began later is remembered, whichever ends first", async () => {
  await using world = new NearWorld();
  const rigged = new Rigged(world.plain);
  const { definitions, clock, erasures } = world;
  const store = withLastKnownGood(rigged, { definitions, clock, erasures, maxBytes: 1_000_000 });
  const read = () =>
    store.read(
      world.plan,
      world.keys([1]),
      { tenant: "default" },
      { onFailure: { policy: "stale", maxAge: 60 * SECOND, otherwise: "fail" } },
    );
  await world.put(world.plain, "long", 1, 1);
  const { promise, resolve } = Promise.withResolvers<void>();
  rigged.hold = promise;
  const early = read();
  await new Promise((done) => setImmediate(done));
  rigged.hold = undefined;
  clock.advance(SECOND);
  await world.put(world.plain, "long", 1, 2);
  await read();
  resolve();
  expect(cellsOf(await early)[0]?.[2]).toEqual(["PRESENT", 1n]);
  rigged.read = async () => {
    throw new LarderError("STORE_UNAVAILABLE", { what: "It is away", remedy: "Wait" });
  };
  const known = await read();
  expect(cellsOf(known)[0]?.[2]).toEqual(["PRESENT", 2n]);
  expect([known.degraded, known.readAt(0, 1)]).toEqual([true, clock.now()]);
});
