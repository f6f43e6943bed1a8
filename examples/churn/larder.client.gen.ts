// Written by `larder codegen` --client from feature_store.yaml (project churn). Do not edit.
// After a change of the definitions run `larder codegen --client` again; until then `larder codegen --client --check` exits 1.
import { generatedClient, type Int64Mode, type Typed, type TypedClient } from "@larder/client";

/** Names and value types of the definitions, as types: nothing of it is there at run time. */
export interface Schema {
  readonly tenants: "acme" | "default";
  readonly views: {
    /** What the customer pays */
    readonly billing: {
      readonly joinKeys: {
        readonly customer_id: "int64";
      };
      readonly features: {
        /** Number of the latest invoice; not an input of the model */
        readonly last_invoice: "int64";
        /** Dollars a month */
        readonly monthly_charges: "float32";
        /** Dollars since the customer came; null before the first bill */
        readonly total_charges: "float32";
      };
      readonly tombstone: "deleted";
    };
    /** Who the customer is and what was signed, as of each billing day */
    readonly churn_features: {
      readonly joinKeys: {
        readonly customer_id: "int64";
      };
      readonly features: {
        /** Month-to-month, One year or Two year */
        readonly contract: "string";
        /** 1 or 0 */
        readonly dependents: "float32";
        /** 1 or 0 */
        readonly female: "float32";
        /** 1 or 0 */
        readonly paperless_billing: "float32";
        /** 1 or 0 */
        readonly partner: "float32";
        readonly payment_method: "string";
        /** 1 or 0 */
        readonly senior_citizen: "float32";
        /** Whole months since the customer came */
        readonly tenure_months: "float32";
      };
      readonly tombstone: "deleted";
    };
    /** What the customer uses */
    readonly services: {
      readonly joinKeys: {
        readonly customer_id: "int64";
      };
      readonly features: {
        readonly device_protection: "string";
        /** DSL, Fiber optic or No */
        readonly internet_service: "string";
        readonly multiple_lines: "string";
        readonly online_backup: "string";
        readonly online_security: "string";
        /** 1 or 0 */
        readonly phone_service: "float32";
        readonly streaming_movies: "string";
        readonly streaming_tv: "string";
        readonly tech_support: "string";
      };
      readonly tombstone: "deleted";
    };
  };
  readonly services: {
    readonly churn_v1: {
      readonly joinKeys: {
        readonly customer_id: "int64";
      };
      readonly features: {
        readonly "billing:monthly_charges": "float32";
        readonly "billing:total_charges": "float32";
        readonly "churn_features:contract": "string";
        readonly "churn_features:dependents": "float32";
        readonly "churn_features:female": "float32";
        readonly "churn_features:paperless_billing": "float32";
        readonly "churn_features:partner": "float32";
        readonly "churn_features:payment_method": "string";
        readonly "churn_features:senior_citizen": "float32";
        readonly "churn_features:tenure_months": "float32";
        readonly "services:device_protection": "string";
        readonly "services:internet_service": "string";
        readonly "services:multiple_lines": "string";
        readonly "services:online_backup": "string";
        readonly "services:online_security": "string";
        readonly "services:phone_service": "float32";
        readonly "services:streaming_movies": "string";
        readonly "services:streaming_tv": "string";
        readonly "services:tech_support": "string";
      };
    };
  };
  readonly models: {
    readonly churn: {
      readonly featureService: "churn_v1";
      readonly prediction: "churn_probability";
    };
  };
}

/** As `createClient` of "@larder/client", with names and values checked by the compiler. */
export const createClient = generatedClient<Schema>({
  // Values that JSON has no form for.
  features: {
    "billing:last_invoice": "int64",
  },
  services: {},
});
export type Client<Int64 extends Int64Mode = "number"> = TypedClient<Schema, Int64>;

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
