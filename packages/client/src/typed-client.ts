import type { WriteAnswer } from "@larder/contract";
import type {
  Columns,
  Echo,
  FeatureName,
  FeaturesEntityRow,
  FeaturesOf,
  FeatureVector,
  Int64Mode,
  Listed,
  ModelAnswer,
  ModelEntityRow,
  ModelName,
  OnlineFeatures,
  PushRow,
  Schema,
  ServiceEntityRow,
  ServiceName,
  ViewName,
} from "@larder/contract/typed";
import {
  type CallOptions,
  type ClientOptions,
  clientWithTypes,
  type DeleteRequest,
  type FeaturesRequest,
  type LarderClient,
} from "./client.ts";
import type { ValueTypes } from "./value-types.ts";

/** How a typed client is made. */
export interface TypedClientOptions<S extends Schema, Int64 extends Int64Mode> extends ClientOptions {
  readonly tenant?: S["tenants"] | undefined;
  readonly int64?: Int64 | undefined;
}

/** A {@link LarderClient} whose names and values the compiler checks. */
export interface TypedClient<S extends Schema, Int64 extends Int64Mode = "number"> {
  /** The newest values of each entity for a list of features, in the order of the request. */
  getOnlineFeatures<
    const F extends readonly FeatureName<S>[],
    Row extends FeaturesEntityRow<S, F[number]>,
    Full extends boolean = false,
  >(
    request: Rows<Row, Full> & { readonly features: F; readonly featureService?: undefined },
    call?: CallOptions,
  ): Promise<
    OnlineFeatures<
      Listed<F, Columns<FeaturesOf<S, F[number]>, Full, Int64>>,
      Echo<Row, FeaturesEntityRow<S, F[number]>>
    >
  >;

  /** The newest values of each entity for a feature service, in the order of the request. */
  getOnlineFeatures<N extends ServiceName<S>, Row extends ServiceEntityRow<S, N>, Full extends boolean = false>(
    request: Rows<Row, Full> & { readonly featureService: N; readonly features?: undefined },
    call?: CallOptions,
  ): Promise<OnlineFeatures<FeatureVector<S, N, Int64, Full>, Echo<Row, ServiceEntityRow<S, N>>>>;

  /** As {@link LarderClient.predict}. */
  predict<M extends ModelName<S>>(
    request: { readonly model: M; readonly entityRows: readonly ModelEntityRow<S, M>[] },
    call?: CallOptions,
  ): Promise<ModelAnswer<S, M>>;

  /** As {@link LarderClient.push}, for a view whose push source has its name. */
  push<V extends ViewName<S>>(view: V, rows: readonly PushRow<S, V>[], call?: CallOptions): Promise<WriteAnswer>;

  delete(request: DeleteRequest & { readonly view: ViewName<S> }, call?: CallOptions): Promise<WriteAnswer>;
}

interface Rows<Row, Full extends boolean>
  extends Omit<FeaturesRequest, "features" | "featureService" | "entityRows" | "fullFeatureNames"> {
  readonly entityRows: readonly Row[];
  readonly fullFeatureNames?: Full | undefined;
}

/** What `larder.client.gen.ts` exports as `createClient`. */
export type GeneratedClient<S extends Schema> = <Int64 extends Int64Mode = "number">(
  options: TypedClientOptions<S, Int64>,
) => TypedClient<S, Int64>;

/** For generated code: only there `S` and the types of values are sure to belong together. */
export function generatedClient<S extends Schema>(types: ValueTypes): GeneratedClient<S> {
  // The same object: names and value types are all there is to it.
  return (options) => clientWithTypes(options, types);
}
