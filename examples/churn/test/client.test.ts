import { expect, test } from "vitest";
import { createClient } from "../larder.client.gen.ts";
import { churnFolder, withOnlineStore } from "./churn-folder.ts";
import { churnServer, post, stoppedClock } from "./churn-server.ts";

const NOW = "2040-01-01T00:00:00Z";

const CUSTOMER = {
  churn_features: {
    tenure_months: 12,
    female: 1,
    senior_citizen: 0,
    partner: 1,
    dependents: 0,
    paperless_billing: 1,
    contract: "Month-to-month",
    payment_method: "Electronic check",
  },
  billing: { monthly_charges: 70.35, total_charges: 845.5, last_invoice: 2n ** 60n + 1n },
  services: {
    phone_service: 1,
    internet_service: "Fiber optic",
    multiple_lines: "No",
    online_security: "No",
    online_backup: "No",
    device_protection: "No",
    tech_support: "No",
    streaming_tv: "No",
    streaming_movies: "No",
  },
} as const;

test("the typed client predicts as the route answers, and says which rows have no prediction", async () => {
  await using folder = await churnFolder(withOnlineStore("{ type: memory }"));
  await using server = await churnServer(folder.file, stoppedClock(Date.parse(NOW) * 1000));
  const client = createClient({ url: server.url, int64: "bigint", deadlineMs: 20_000 });
  const head = { customer_id: 1, event_timestamp: NOW };
  await client.push("churn_features", [{ ...head, ...CUSTOMER.churn_features }]);
  await client.push("billing", [{ ...head, ...CUSTOMER.billing }]);
  await client.push("services", [{ ...head, ...CUSTOMER.services }]);

  const answer = await client.predict({ model: "churn", entityRows: [{ customer_id: 1 }, { customer_id: 2 }] });
  const body = JSON.stringify({ entity_rows: [{ customer_id: 1 }, { customer_id: 2 }] });
  expect(answer).toEqual(JSON.parse((await post(`${server.url}/models/churn/predict`, body)).text));
  expect(answer.predictions[0]?.churn_probability).toBeGreaterThan(0);
  expect([answer.predictions[1], answer.errors?.[0]?.code]).toEqual([null, "FEATURE_MISSING"]);
  expect(answer.metadata.feature_status[1]?.["churn_features:contract"]).toBe("NOT_FOUND");

  const features = await client.getOnlineFeatures({
    features: ["billing:last_invoice"],
    entityRows: [{ customer_id: 1 }],
  });
  expect(features.toRows()).toEqual([{ customer_id: 1, last_invoice: CUSTOMER.billing.last_invoice }]);
});
