// Written by `larder codegen` from feature_store.yaml (project shop). Do not edit.
// After a change of the definitions run `larder codegen` again. Until then `larder codegen --check` exits 1, and where a name or type has changed,
// `open` fails with CODEGEN_STALE.
import { generatedFeatureStore, type Int64Mode, type Typed, type TypedFeatureStore } from "larder";

/** Names and value types of the definitions, as types: nothing of it is there at run time. */
export interface Schema {
  readonly tenants: "acme" | "default";
  readonly views: {
    /** What a customer has signed */
    readonly plans: {
      readonly joinKeys: {
        readonly customer_id: "int64";
      };
      readonly features: {
        readonly active: "bool";
        readonly invoices: "list<int64>";
        /** basic or more; no *\/ in here */
        readonly plan: "string";
        readonly price: "int64";
      };
    };
    readonly rates: {
      readonly joinKeys: Record<never, never>;
      readonly features: {
        readonly euro: "float32";
      };
    };
    readonly sales: {
      readonly joinKeys: {
        readonly country: "string";
        readonly number: "int32";
      };
      readonly features: {
        readonly logo: "bytes";
        readonly opened: "unix_timestamp";
        readonly turnover: "float64";
      };
      readonly partialRows: true;
      readonly timeUnit: "ms";
      readonly tombstone: "deleted";
    };
  };
  readonly services: {
    readonly pair: {
      readonly joinKeys: {
        readonly customer_id: "int64";
        readonly partner_id: "int64";
      };
      readonly features: {
        readonly "partner:plan": "string";
        readonly "plans:invoices": "list<int64>";
        readonly "plans:plan": "string";
        readonly "rates:euro": "float32";
      };
    };
    readonly plans_v1: {
      readonly joinKeys: {
        readonly customer_id: "int64";
      };
      readonly features: {
        readonly "plans:plan": "string";
        readonly "plans:price": "int64";
      };
    };
  };
  readonly models: {
    readonly churn: {
      readonly featureService: "plans_v1";
      readonly prediction: "probability";
    };
    readonly offer: {
      readonly featureService: "plans_v1";
      readonly prediction: "label" | "scores";
      readonly requestFeatures: {
        readonly amount: "float32";
        readonly codes?: "list<int64>";
      };
    };
  };
}

/** As `FeatureStore` of "larder", with names and values checked by the compiler. */
export const FeatureStore = generatedFeatureStore<Schema>({
  // What the types depend on; `open` compares it with the definitions it is given.
  shapes: "c19572f8e5654e1acdc314ba3c126349737ffc8f6ae653c79d88a7997a77d1c2",
});
export type FeatureStore<Int64 extends Int64Mode = "number"> = TypedFeatureStore<Schema, Int64>;

export type TenantName = Schema["tenants"];
export type ViewName = Typed.ViewName<Schema>;
/** `view:feature`. */
export type FeatureName = Typed.FeatureName<Schema>;
export type ServiceName = Typed.ServiceName<Schema>;
export type ModelName = Typed.ModelName<Schema>;

/** What a request must bring for a feature service: its join keys. */
export type EntityRow<Service extends ServiceName> = Typed.ServiceEntityRow<Schema, Service>;
/** What a feature service answers for one entity row; null where there is no value. */
export type FeatureVector<Service extends ServiceName, Int64 extends Int64Mode = "number"> = Typed.FeatureVector<
  Schema,
  Service,
  Int64
>;
/** A row as `push` takes it. */
export type PushRow<View extends ViewName> = Typed.PushRow<Schema, View>;
/** What a model's route takes and answers over HTTP. */
export type ModelRequest<Model extends ModelName> = Typed.ModelRequest<Schema, Model>;
export type ModelAnswer<Model extends ModelName> = Typed.ModelAnswer<Schema, Model>;
