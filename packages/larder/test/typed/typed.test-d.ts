import type { PredictionValue } from "@larder/contract";
import type { StatusName } from "@larder/store-core";
import { expectTypeOf } from "vitest";
import {
  type EntityRow,
  type FeatureName,
  FeatureStore,
  type FeatureVector,
  type ModelAnswer,
  type ModelRequest,
  type PushRow,
  type ServiceName,
  type TenantName,
} from "./larder.gen.ts";

// Checked by the compiler in this package's typecheck; never run.
declare const store: FeatureStore;
declare const bigints: FeatureStore<"bigint">;

// Names are unions of what the file defines.
expectTypeOf<FeatureName>().toEqualTypeOf<
  `plans:${"price" | "plan" | "invoices" | "active"}` | `sales:${"turnover" | "opened" | "logo"}` | "rates:euro"
>();
expectTypeOf<ServiceName>().toEqualTypeOf<"plans_v1" | "pair">();
expectTypeOf<TenantName>().toEqualTypeOf<"acme" | "default">();

// open: the tenant is one of the file's, int64 decides about whole numbers.
expectTypeOf(FeatureStore.open("f.yaml")).resolves.toEqualTypeOf<FeatureStore>();
expectTypeOf(FeatureStore.open("f.yaml", { tenant: "acme", int64: "bigint" })).resolves.toEqualTypeOf<
  FeatureStore<"bigint">
>();
// @ts-expect-error: no such tenant
void FeatureStore.open("f.yaml", { tenant: "acne" });
// @ts-expect-error: what the types were made from is not the caller's to say
void FeatureStore.open("f.yaml", { shapes: "" });

// A list of features: join keys as they were given, then each value or null.
const listed = await store.getOnlineFeatures({
  features: ["plans:price", "plans:invoices", "plans:active"],
  entityRows: [{ customer_id: 12345, note: "other members are ignored" }],
});
expectTypeOf(listed.toRows()).toEqualTypeOf<
  {
    customer_id: number;
    price: number | null;
    invoices: readonly number[] | null;
    active: boolean | null;
  }[]
>();
expectTypeOf(listed.toDict()).toEqualTypeOf<{
  customer_id: number[];
  price: (number | null)[];
  invoices: (readonly number[] | null)[];
  active: (boolean | null)[];
}>();
expectTypeOf(listed.statuses).toEqualTypeOf<{
  readonly price: readonly StatusName[];
  readonly invoices: readonly StatusName[];
  readonly active: readonly StatusName[];
}>();
expectTypeOf<StatusName>().toEqualTypeOf<"INVALID" | "PRESENT" | "NULL_VALUE" | "NOT_FOUND" | "OUTSIDE_MAX_AGE">();
expectTypeOf(listed.eventTimestamps.price).toEqualTypeOf<readonly (string | null)[]>();
// @ts-expect-error: was not asked for
void listed.statuses.plan;

// As bigint, in lists as well; a join key stays what the caller gave.
const big = await bigints.getOnlineFeatures({
  features: ["plans:price", "plans:invoices", "sales:opened", "sales:turnover", "sales:logo"],
  entityRows: [{ customer_id: "1", country: "NO", number: 7 }],
});
expectTypeOf(big.toRows()).toEqualTypeOf<
  {
    customer_id: string;
    country: string;
    number: number;
    price: bigint | null;
    invoices: readonly bigint[] | null;
    opened: bigint | null;
    turnover: number | null;
    logo: Uint8Array | null;
  }[]
>();

// Full names; a view without join keys.
const full = await store.getOnlineFeatures({ features: ["rates:euro"], fullFeatureNames: true, entityRows: [{}] });
expectTypeOf(full.toRows()).toEqualTypeOf<{ rates__euro: number | null }[]>();

// A service with an alias and a join key map.
const pair = await store.getOnlineFeatures({
  featureService: "pair",
  fullFeatureNames: true,
  entityRows: [{ customer_id: 1n, partner_id: 2 }],
});
expectTypeOf(pair.toRows()).toEqualTypeOf<
  {
    customer_id: bigint;
    partner_id: number;
    plans__plan: string | null;
    plans__invoices: readonly number[] | null;
    partner__plan: string | null;
    rates__euro: number | null;
  }[]
>();
expectTypeOf<EntityRow<"pair">>().toEqualTypeOf<{
  readonly customer_id: number | bigint | string;
  readonly partner_id: number | bigint | string;
}>();
expectTypeOf<FeatureVector<"plans_v1">>().toEqualTypeOf<{ price: number | null; plan: string | null }>();
expectTypeOf<FeatureVector<"plans_v1", "bigint">>().toEqualTypeOf<{ price: bigint | null; plan: string | null }>();

// A list made elsewhere: any of its columns may be there.
declare const some: readonly ("plans:price" | "plans:plan")[];
const maybe = await store.getOnlineFeatures({ features: some, entityRows: [{ customer_id: 1 }] });
expectTypeOf(maybe.toRows()).toEqualTypeOf<{ customer_id: number; price?: number | null; plan?: string | null }[]>();
// One of two services: join keys of both, the answer of either.
declare const either: "plans_v1" | "pair";
const one = await store.getOnlineFeatures({ featureService: either, entityRows: [{ customer_id: 1, partner_id: 2 }] });
expectTypeOf(one.toRows()[0]?.plan).toEqualTypeOf<string | null | undefined>();

// @ts-expect-error: no such feature
void store.getOnlineFeatures({ features: ["plans:prize"], entityRows: [{ customer_id: 1 }] });
// @ts-expect-error: no such service
void store.getOnlineFeatures({ featureService: "plans_v2", entityRows: [{ customer_id: 1 }] });
// @ts-expect-error: another join key
void store.getOnlineFeatures({ features: ["plans:price"], entityRows: [{ customer: 1 }] });
// @ts-expect-error: half of a composite key
void store.getOnlineFeatures({ features: ["sales:logo"], entityRows: [{ country: "NO" }] });
// @ts-expect-error: a key of another type
void store.getOnlineFeatures({ features: ["sales:logo"], entityRows: [{ country: "NO", number: "7" }] });
const both = { features: ["plans:price"], featureService: "plans_v1", entityRows: [{ customer_id: 1 }] } as const;
// @ts-expect-error: both a list and a service
void store.getOnlineFeatures(both);
// @ts-expect-error: neither
void store.getOnlineFeatures({ entityRows: [{ customer_id: 1 }] });
// @ts-expect-error: the other verbs know the names, too
void store.materialize({ start: "2024-01-01", end: "2024-02-01", views: ["plan"] });
// @ts-expect-error: here as well
void store.getHistoricalFeatures({ entities: "labels.parquet", featureService: "plans", out: "train.parquet" });
void store.getHistoricalFeatures({ entities: "labels.parquet", featureService: "pair", out: "train.parquet" });
void store.joinKeys({ features: ["sales:logo"] });

// Rows to push: every feature unless the view takes partial rows; deletions where there is a column for them.
expectTypeOf<PushRow<"plans">>().toEqualTypeOf<{
  readonly customer_id: number | bigint | string;
  readonly event_timestamp: string | Date | bigint;
  readonly created?: string | Date | bigint | null;
  readonly price: number | bigint | string | null;
  readonly plan: string | null;
  readonly invoices: readonly (number | bigint | string)[] | null;
  readonly active: boolean | null;
}>();
const time = new Date(0);
void store.push("plans", [
  { customer_id: 1, price: 2n ** 60n, plan: null, invoices: [1, "2"], active: true, event_timestamp: time },
]);
void store.push("sales", [
  { country: "NO", number: 7, turnover: 1.5, event_timestamp: 1_700_000_000_000 },
  { country: "NO", number: 8, opened: time, logo: "AP8=", deleted: false, event_timestamp: "2024-01-01" },
  { country: "NO", number: 9, deleted: true, event_timestamp: time },
]);
// @ts-expect-error: a feature is missing
void store.push("plans", [{ customer_id: 1, price: 2, plan: "a", invoices: [], event_timestamp: time }]);
// @ts-expect-error: a misspelt feature
void store.push("sales", [{ country: "NO", number: 7, turnovers: 1.5, event_timestamp: time }]);
// @ts-expect-error: a bare number is no time where the view states no unit
void store.push("plans", [{ customer_id: 1, price: 2, plan: "a", invoices: [], active: null, event_timestamp: 17 }]);
// @ts-expect-error: no such view
void store.push("plan", []);

// A model over HTTP.
interface ChurnRow {
  readonly customer_id: number | string;
  readonly overrides?: {
    readonly "plans:plan"?: string | null;
    readonly "plans:price"?: number | string | null;
  };
}
expectTypeOf<ModelRequest<"churn">>().toEqualTypeOf<{ readonly entity_rows: readonly ChurnRow[] } | ChurnRow>();
declare const answer: ModelAnswer<"churn">;
expectTypeOf(answer.predictions[0]).toEqualTypeOf<{ readonly probability: PredictionValue } | null | undefined>();
expectTypeOf(answer.metadata.model).toEqualTypeOf<"churn">();
expectTypeOf(answer.metadata.feature_service).toEqualTypeOf<"plans_v1">();
expectTypeOf(answer.metadata.feature_status[0]?.["plans:price"]).toEqualTypeOf<StatusName | "OVERRIDDEN" | undefined>();
// Several predictions, and what only a request knows.
declare const offer: ModelAnswer<"offer">;
expectTypeOf(offer.predictions[0]).toEqualTypeOf<
  { readonly label: PredictionValue; readonly scores: PredictionValue } | null | undefined
>();
const row = { customer_id: 1, amount: 2.5 };
expectTypeOf(row).toExtend<ModelRequest<"offer">>();
expectTypeOf({ ...row, codes: [1, "2"], overrides: { "plans:price": null } }).toExtend<ModelRequest<"offer">>();
expectTypeOf({ customer_id: 1 }).not.toExtend<ModelRequest<"offer">>();
expectTypeOf({ customer_id: 1, amount: "2.5" }).not.toExtend<ModelRequest<"offer">>();
