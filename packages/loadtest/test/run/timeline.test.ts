import { propertySettings, seededRandom } from "@larder/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createTimeline } from "../../src/run/timeline.ts";

test("answers, failures and percentiles are those of their second and load", () => {
  const timeline = createTimeline();
  const values = Array.from({ length: 100 }, (_, i) => i + 1);
  timeline.add(values.map((value) => sample("latency_ms", 0, "predict_1", value)).join(""));
  timeline.add(sample("http_req_failed", 0, "predict_1", 1) + sample("http_req_failed", 0, "predict_1", 0));
  timeline.add(sample("latency_ms", 2, "lookup_1", 7) + sample("vus", 2, "lookup_1", 50));
  expect(timeline.seconds()).toEqual([
    { second: 0, load: "predict_1", answers: 100, failures: 1, p50: 51, p95: 96, p99: 100 },
    { second: 2, load: "lookup_1", answers: 1, failures: 0, p50: 7, p95: 7, p99: 7 },
  ]);
});

test("where k6's output is cut into pieces makes no difference", () => {
  const random = seededRandom(1);
  const text = Array.from({ length: 50 }, (_, i) => sample("latency_ms", i % 3, "predict_1", random.next())).join("");
  const whole = createTimeline();
  whole.add(text);
  fc.assert(
    fc.property(fc.array(fc.nat(text.length), { maxLength: 20 }), (places) => {
      const timeline = createTimeline();
      const cuts = [0, ...places.sort((a, b) => a - b), text.length];
      for (let i = 1; i < cuts.length; i++) timeline.add(text.slice(cuts[i - 1], cuts[i]));
      expect(timeline.seconds()).toEqual(whole.seconds());
    }),
    propertySettings(50),
  );
});

/** A line as k6 writes it. */
function sample(metric: string, second: number, load: string, value: number): string {
  const time = `2024-03-15T10:00:0${second}.5+00:00`;
  return `${JSON.stringify({ metric, type: "Point", data: { time, value, tags: { load } } })}\n`;
}
