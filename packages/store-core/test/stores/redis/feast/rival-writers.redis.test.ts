import { propertySettings, type RedisServer, startLeakCheck, startRedis } from "@larder/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FV, freshClient, openFeast, P, project } from "./harness.ts";

const leaks = startLeakCheck();
let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
});

afterAll(async () => {
  await server?.stop();
  await leaks.assertNothingLeft();
});

test("writers at the same time, in any order, with repeats, leave the newest row of every key whole", async () => {
  await using client = await freshClient(server);
  await using one = await openFeast(server, P);
  await using other = await openFeast(server, P);
  // Definitions that know a feature more: its values must go with its rows.
  await using third = await openFeast(server, project("p", { ...FV, features: { ...FV.features, z: "int64" } }));
  const sessions = [one, other, third];
  const batch = fc.array(fc.tuple(fc.nat(3), fc.nat(400), fc.boolean()), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(2), batch), { minLength: 2, maxLength: 12 }), async (writes) => {
      await client.flushall();
      // A row's time tells all of it: its values, whether it is a deletion, and whose it is.
      const rowOf = (by: number, [key, time, deletion]: readonly [number, number, boolean]) => {
        const micros = time * 8 + by * 2 + (deletion ? 1 : 0);
        const values = deletion ? undefined : { x: BigInt(micros), y: `${micros}`, z: BigInt(micros) };
        return { key, micros, row: sessions[by]?.row("fv", [BigInt(key)], micros, values) };
      };
      const rows = writes.map(([by, each]) => ({ by, rows: each.map((one) => rowOf(by, one)) }));
      const calls = rows.flatMap(({ by, rows: each }) => {
        const write = () =>
          sessions[by]?.write(
            "fv",
            each.flatMap(({ row }) => row ?? []),
          );
        return [write(), write()];
      });
      await Promise.all(calls);
      const newest = new Map<number, number>();
      for (const { key, micros } of rows.flatMap((each) => each.rows)) {
        newest.set(key, Math.max(micros, newest.get(key) ?? -1));
      }
      const found = await third.scan({ tenant: "default" });
      expect(Object.fromEntries(found.map(({ entityKey, row }) => [entityKey, row]))).toEqual(
        Object.fromEntries(
          [...newest].map(([key, micros]) => {
            const z = micros % 8 >= 4 ? { z: BigInt(micros) } : {};
            const values = micros % 2 === 1 ? undefined : { x: BigInt(micros), y: `${micros}`, ...z };
            return [String(key), third.row("fv", [BigInt(key)], micros, values)];
          }),
        ),
      );
    }),
    propertySettings(60),
  );
});
