import type { PredictionValue, Status } from "@larder/contract";
import { expectTypeOf } from "vitest";
import { type Client, createClient } from "../typed/larder.client.gen.ts";

// Checked by the compiler in this package's typecheck; never run.
declare const client: Client;
const url = "http://localhost:6566";

expectTypeOf(createClient({ url })).toEqualTypeOf<Client>();
expectTypeOf(createClient({ url, int64: "bigint", tenant: "acme" })).toEqualTypeOf<Client<"bigint">>();
// @ts-expect-error: no such tenant
void createClient({ url, tenant: "acne" });

// Features: columns by the list, statuses a union.
const features = await client.getOnlineFeatures({
  features: ["plans:price", "plans:plan"],
  entityRows: [{ customer_id: 1 }],
});
expectTypeOf(features.toRows()).toEqualTypeOf<{ customer_id: number; price: number | null; plan: string | null }[]>();
expectTypeOf(features.statuses).toEqualTypeOf<{
  readonly price: readonly Status[];
  readonly plan: readonly Status[];
}>();
expectTypeOf<Status>().toEqualTypeOf<"INVALID" | "PRESENT" | "NULL_VALUE" | "NOT_FOUND" | "OUTSIDE_MAX_AGE">();
// @ts-expect-error: no such feature
void client.getOnlineFeatures({ features: ["plans:prize"], entityRows: [{ customer_id: 1 }] });
// @ts-expect-error: a list or a service, not both
void client.getOnlineFeatures({ features: ["plans:price"], featureService: "plans_v1", entityRows: [] });

// Predictions: by the model's own name.
const answer = await client.predict({ model: "churn", entityRows: [{ customer_id: "9007199254740993" }] });
expectTypeOf(answer.predictions[0]?.probability).toEqualTypeOf<PredictionValue | undefined>();
// @ts-expect-error: no such model
void client.predict({ model: "chrun", entityRows: [{ customer_id: 1 }] });
// @ts-expect-error: no such join key
void client.predict({ model: "churn", entityRows: [{ customer: 1 }] });

// Pushes: as the embedded API takes them.
void client.push("rates", [{ euro: 0.5, event_timestamp: new Date() }]);
// @ts-expect-error: the event time is missing
void client.push("rates", [{ euro: 0.5 }]);
