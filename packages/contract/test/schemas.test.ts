import { Compile } from "typebox/compile";
import { expect, test } from "vitest";
import {
  DeleteRequest,
  FeastErrorDetail,
  GetOnlineFeaturesAnswer,
  GetOnlineFeaturesRequest,
  PredictAnswer,
  PredictRequest,
  ProblemBody,
  PushRequest,
  ROUTES,
  WriteAnswer,
} from "../src/index.ts";

const feature = {
  values: [1n, null],
  statuses: ["PRESENT", "NOT_FOUND"],
  event_timestamps: ["1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"],
};
const facts = { code: "UNKNOWN_VIEW", remedy: "Use another", request_id: "1" };

test.each([
  [
    "a Feast read",
    GetOnlineFeaturesRequest,
    { features: ["v:f"], entities: { id: [1, 2n, "3"] }, include_metadata: true },
    true,
  ],
  ["a read without entities", GetOnlineFeaturesRequest, { features: ["v:f"] }, false],
  ["a read whose column is no list", GetOnlineFeaturesRequest, { features: ["v:f"], entities: { id: 1 } }, false],
  ["a read whose entities are rows", GetOnlineFeaturesRequest, { features: ["v:f"], entities: [{ id: 1 }] }, false],
  [
    "an answer",
    GetOnlineFeaturesAnswer,
    { results: [feature], metadata: { feature_names: ["id"], degraded: false } },
    true,
  ],
  [
    "an answer of another status",
    GetOnlineFeaturesAnswer,
    { results: [{ ...feature, statuses: ["OK"] }], metadata: { feature_names: [], degraded: false } },
    false,
  ],
  ["a push", PushRequest, { push_source_name: "p", df: { id: [1] }, to: "offline" }, true],
  ["a push to nowhere", PushRequest, { push_source_name: "p", df: { id: [1] }, to: "zzz" }, false],
  [
    "a delete with a stray key",
    DeleteRequest,
    { feature_view_name: "v", entities: { id: [1] }, event_timestamp: "2026-01-01", zzz: 1 },
    false,
  ],
  [
    "a write's answer",
    WriteAnswer,
    {
      views: [{ feature_view: "v", rows: 1, applied: 1, duplicate: 0, stale: 0, expired: 0, conflict: 0 }],
      ignored_columns: [],
    },
    true,
  ],
  ["a predict without rows", PredictRequest, { entity_rows: [] }, false],
  [
    "a predict answer with a refused row",
    PredictAnswer,
    {
      predictions: [{ p: 0.5 }, null],
      errors: [{ row: 1, code: "FEATURE_MISSING", message: "no", features: ["v:f"] }],
      metadata: {
        model: "m",
        version: "1",
        checksum: "0",
        feature_service: "s",
        degraded: false,
        feature_status: [{}, { "v:f": "NOT_FOUND" }],
      },
    },
    true,
  ],
  ["a problem", ProblemBody, { type: "urn:x", title: "Not Found", status: 404, detail: "No", ...facts }, true],
  [
    "a problem without remedy",
    ProblemBody,
    { type: "urn:x", title: "Not Found", status: 404, detail: "No", code: "X", request_id: "1" },
    false,
  ],
  [
    "what Feast's error string holds",
    FeastErrorDetail,
    { module: "feast.errors", class: "X", message: "m", ...facts },
    true,
  ],
])("the contract judges %s", (_name, schema, value, expected) => {
  expect(Compile(schema).Check(value)).toBe(expected);
});

test("no two routes share a method and path", () => {
  const all = Object.values(ROUTES).map((route) => `${route.method} ${route.path}`);
  expect(new Set(all).size).toBe(all.length);
});
