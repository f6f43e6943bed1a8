import { pathsOf, servedRoutes } from "@larder/contract";
import { expect, test } from "vitest";
import { openModelWorld } from "../support/model-world.ts";
import { identityModel } from "../support/onnx-file.ts";
import { FEATURES, openWorld } from "../support/world.ts";

const MODEL = identityModel([
  { name: "x", type: "float32", shape: ["n", 2] },
  { name: "channel", type: "string", shape: ["n", 1] },
]);

const YAML = `
project: test
online_store: { type: memory }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
feature_views:
  - name: profile
    entity: customer
    features: [{ name: age, type: int32, default: 40 }, { name: spent, type: int64 }]
feature_services: [{ name: s, features: ["profile:age", "profile:spent"] }]
models:
  - name: fraud
    path: m.onnx
    feature_service: s
    request_features: [{ name: amount, type: float32 }, { name: channel, type: string, default: web }]
    inputs: { x: ["profile:age", amount] }
    prediction: [{ name: seen, output: x_out }, { name: channel, output: channel_out }]
    on_missing: default
`;

test("the OpenAPI document names every route of the contract, with its bodies and errors", async () => {
  await using world = await openWorld();
  const document = (await world.get("/openapi.json")).json();
  expect(document.openapi).toBe("3.1.0");
  const routes = Object.values(servedRoutes({ strictFeast: false })).flatMap((route) => pathsOf(route));
  expect(Object.keys(document.paths).sort()).toEqual([...new Set(routes)].sort());
  const operations = Object.values<object>(document.paths).flatMap((path) => Object.values(path));
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
  for (const { responses } of operations)
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(["200", "400", "500"]));
  const ofTenant = document.paths["/t/{tenant}/get-online-features"].post;
  expect(ofTenant.parameters[0]).toMatchObject({ name: "tenant", in: "path", required: true });
  expect(document.paths["/t/{tenant}/livez"]).toBeUndefined();
  const { schemas } = document.components;
  const written = document.paths["/write-to-online-store"].post;
  expect(written.responses["507"].content["application/json"].schema.$ref).toBe("#/components/schemas/FeastError");
  expect(document.paths["/delete-from-online-store"].post.responses["422"].content).toEqual({
    "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
  });
  const joined = document.paths["/historical-features"].post;
  expect(Object.keys(joined.requestBody.content)).toEqual(["application/json", "application/vnd.apache.parquet"]);
  expect(joined.responses["200"].content).toEqual({ "application/vnd.apache.arrow.stream": {} });
  expect(Object.keys(joined.responses)).toEqual(expect.arrayContaining(["403", "413", "422", "429", "503", "504"]));
  expect(schemas.Problem.required).toContain("code");
  const text = JSON.stringify(document);
  for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g))
    expect(schemas).toHaveProperty([name ?? ""]);
  // Whose tenants there are is nobody's business.
  expect(text).not.toContain("acme");
});

test("the OpenAPI document has names and types of the definitions: services, push sources, views, and each model's own", async () => {
  await using world = await openModelWorld(YAML, { "m.onnx": MODEL });
  const { paths, components } = (await world.get("/openapi.json")).json();
  const { post } = paths["/models/fraud/predict"];
  expect(post.requestBody.content["application/json"].schema).toEqual({
    $ref: "#/components/schemas/predictWithModel.fraud.Request",
  });
  const [rows, row] = components.schemas["predictWithModel.fraud.Request"].anyOf;
  expect(rows.properties.entity_rows.items).toEqual(row);
  expect(row).toMatchObject({
    required: ["customer_id", "amount"],
    properties: {
      customer_id: { type: ["integer", "string"] },
      amount: { type: "number" },
      channel: { type: "string", default: "web" },
      overrides: { properties: { "profile:age": {} }, additionalProperties: false },
    },
    additionalProperties: false,
  });
  // The service has it, and no input takes it.
  expect(row.properties.overrides.properties).not.toHaveProperty("profile:spent");
  const [many, flat] = components.schemas["predictWithModel.fraud.Answer"].anyOf;
  expect(many.properties.metadata.properties).toMatchObject({ model: { const: "fraud" } });
  expect(flat.required).toEqual(["seen", "channel"]);
  // What the document gives as an example is answered.
  for (const path of ["/models/fraud/predict", "/get-online-features", "/push", "/write-to-online-store"]) {
    const { example } = paths[path].post.requestBody.content["application/json"];
    expect([path, (await world.post(path, example)).statusCode]).toEqual([path, 200]);
  }
});

test("/docs is a page of its own: every route, no script, nothing from elsewhere, names as text", async () => {
  await using world = await openWorld(FEATURES.replaceAll("profile_v1", '"<script>alert(1)</script>"'));
  const { body, headers } = await world.get("/docs");
  expect(headers["content-type"]).toBe("text/html; charset=utf-8");
  expect(headers["content-security-policy"]).toMatch(/^default-src 'none'; style-src 'sha256-/);
  for (const { method, path } of Object.values(servedRoutes({ strictFeast: false })))
    expect(body).toContain(`<code>${method} ${path}</code>`);
  expect(body).toContain("&lt;script&gt;alert(1)");
  expect(body).not.toMatch(/<script|src=|https?:\/\//);
});
