import { expect, test } from "vitest";
import { compileJoinSpec } from "../../src/point-in-time/join-spec.ts";
import { makeView, refsOf } from "../support/make-definitions.ts";

const places = makeView({
  name: "places",
  joinKeys: [{ name: "id", type: "int32" }],
  features: { v: "float64", w: "string" },
  ttl: 5,
});

test("one projection per name and join key map; outputs keep the order of the request", () => {
  const spec = compileJoinSpec({
    asOf: "event_time",
    fullFeatureNames: true,
    features: [
      ...refsOf(places, { as: "origin", keys: { id: "from" }, features: ["w"] }),
      ...refsOf(places, { as: "destination", keys: { id: "to" } }),
      ...refsOf(places, { as: "origin", keys: { id: "from" }, features: ["v"] }),
    ],
  });
  expect(spec.projections.map(({ name, keys, ttl }) => [name, keys.map((key) => key.entityColumn), ttl])).toEqual([
    ["origin", ["from"], 5n],
    ["destination", ["to"], 5n],
  ]);
  expect(spec.outputs.map(({ projection, feature }) => [projection, feature.output])).toEqual([
    [0, "origin__w"],
    [1, "destination__v"],
    [1, "destination__w"],
    [0, "origin__v"],
  ]);
  expect(spec.entityKeys).toEqual([
    { column: "from", type: "int32" },
    { column: "to", type: "int32" },
  ]);
});

test("an entity column that is int32 to one view and int64 to another is int64", () => {
  const wide = makeView({ name: "wide", joinKeys: [{ name: "id", type: "int64" }], features: { x: "float64" } });
  for (const views of [
    [places, wide],
    [wide, places],
  ]) {
    const spec = compileJoinSpec({ asOf: "event_time", features: views.flatMap((view) => refsOf(view)) });
    expect(spec.entityKeys).toEqual([{ column: "id", type: "int64" }]);
  }
});

test.each([
  ["bitemporal", undefined, undefined, "event_time", "its source has no created_timestamp_column"],
  ["bitemporal", "created", "load_time", "event_time", "its created column means load_time"],
  ["bitemporal", "created", "arrival", "bitemporal", undefined],
  ["bitemporal", "created", undefined, "bitemporal", undefined],
  ["event_time", "created", "arrival", "event_time", undefined],
  ["event_time", undefined, undefined, "event_time", undefined],
] as const)(
  "asked for %s with created column %s that means %s: %s",
  (asOf, createdTimestampColumn, createdMeans, rule, reason) => {
    const view = makeView({ name: "v", features: { v: "float64" }, source: { createdTimestampColumn, createdMeans } });
    const [projection] = compileJoinSpec({ asOf, features: refsOf(view) }).projections;
    expect([projection!.rule, projection!.ruleReason]).toEqual([rule, reason]);
  },
);

test("a ttl of 0 is none", () => {
  const view = makeView({ name: "v", features: { v: "float64" }, ttl: 0 });
  expect(compileJoinSpec({ asOf: "event_time", features: refsOf(view) }).projections[0]!.ttl).toBeUndefined();
});
