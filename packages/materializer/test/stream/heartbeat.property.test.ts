import { propertySettings } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { DRAIN_SHARE, heartbeatMs } from "../../src/stream/heartbeat.ts";

test("a member hears of a rebalance early enough to drain and to join within it, and beats several times a session", () => {
  const seconds = fc.integer({ min: 1, max: 600 });
  fc.assert(
    fc.property(seconds, seconds, (session, rebalance) => {
      const config = { sessionTimeoutMs: session * 1_000, rebalanceTimeoutMs: rebalance * 1_000 };
      const beat = heartbeatMs(config);
      expect(beat + DRAIN_SHARE * config.rebalanceTimeoutMs).toBeLessThanOrEqual(0.8 * config.rebalanceTimeoutMs);
      expect(beat * 4).toBeLessThanOrEqual(config.sessionTimeoutMs);
    }),
    propertySettings(200),
  );
});
