import { PredictAnswer } from "@larder/contract";
import { Compile } from "typebox/compile";
import { expect, test } from "vitest";
import { CHURN, goldenRows, writeRows } from "../support/churn.ts";
import { openWorld } from "../support/world.ts";

const answers = Compile(PredictAnswer);

/** churn.onnx takes NaN where total_charges is missing; reject is the rule of these definitions, so golden rows with null are left out. */
const golden = goldenRows().filter(({ inputs }) => Object.values(inputs).every((value) => value !== null));
const numeric = goldenRows(true);

test("all golden rows of the model with 19 named inputs, numbers and strings", async () => {
  await using world = await openWorld(CHURN);
  await writeRows(
    world,
    "customers",
    golden.map(({ inputs }) => Object.values(inputs)),
  );
  const entity_rows = golden.map((_, customer_id) => ({ customer_id }));
  const response = await world.post("/predict", { entity_rows });
  expect(response.statusCode, response.body).toBe(200);
  const answer = response.json();
  expect(answers.Check(answer)).toBe(true);
  expect(golden.length).toBeGreaterThan(85);
  for (const [index, { onnx }] of golden.entries())
    expect(answer.predictions[index].churn_probability).toBeCloseTo(onnx[1], 6);
  expect(answer.metadata).toEqual({
    model: "churn",
    version: "1",
    checksum: "dd51eb84d6219f1b7b6c95094d3ad2597eb65491f1fea3e8a11674340632ceb0",
    feature_service: "named",
    degraded: false,
    feature_status: golden.map(() => ({})),
  });
  expect(answer).not.toHaveProperty("errors");
});

test("all golden rows of the model with one matrix, NaN where a value is null", async () => {
  await using world = await openWorld(CHURN);
  await writeRows(
    world,
    "floats",
    numeric.map(({ features }) => features),
  );
  const response = await world.post("/models/nan/predict", {
    entity_rows: numeric.map((_, customer_id) => ({ customer_id })),
  });
  const { predictions, metadata } = response.json();
  for (const [index, { onnx }] of numeric.entries()) expect(predictions[index].p).toBeCloseTo(onnx[1], 6);
  const missing = numeric.findIndex(({ features }) => features[2] === null);
  expect(metadata.feature_status[missing]).toEqual({ "floats:total_charges": "NULL_VALUE" });
  expect(metadata.version).toBe("1");
  expect(metadata.checksum).toBe("70de3c66e76bb70b9fa96886c4e7837814cbc8afd4c66e86062122872ea2cbf2");
});

test("one flat row answers the prediction alone, the same as in a batch", async () => {
  await using world = await openWorld(CHURN);
  await writeRows(
    world,
    "customers",
    golden.slice(0, 3).map(({ inputs }) => Object.values(inputs)),
  );
  const flat = await world.post("/predict", { customer_id: 1 });
  const batch = await world.post("/models/churn/predict", { entity_rows: [{ customer_id: 0 }, { customer_id: 1 }] });
  expect(flat.statusCode).toBe(200);
  expect(flat.json()).toEqual({ churn_probability: batch.json().predictions[1].churn_probability });
});

test("an integer label of an output [n] is a whole number", async () => {
  await using world = await openWorld(CHURN);
  const rows = golden.slice(0, 5);
  await writeRows(
    world,
    "customers",
    rows.map(({ inputs }) => Object.values(inputs)),
  );
  const response = await world.post("/models/label/predict", {
    entity_rows: rows.map((_, customer_id) => ({ customer_id })),
  });
  expect(response.json().predictions).toEqual(rows.map(({ onnx_label }) => ({ label: onnx_label })));
});

test("a flat row without its features answers null and says why", async () => {
  await using world = await openWorld(CHURN);
  const response = await world.post("/models/reject/predict", { customer_id: 404 });
  expect(response.statusCode).toBe(200);
  const { p, errors } = response.json();
  expect(p).toBeNull();
  expect(errors).toMatchObject([{ row: 0, code: "FEATURE_MISSING" }]);
  expect(errors[0].features).toHaveLength(19);
});

test("server-timing tells queue, store, decode, model, encode and total apart", async () => {
  await using world = await openWorld(CHURN);
  const response = await world.post("/predict", { customer_id: 1 });
  expect(response.headers["server-timing"]).toMatch(
    /^(?:(?:queue|store|decode|model|encode);dur=\d+\.\d{3}, ){5}total;dur=\d+\.\d{3}$/,
  );
});
