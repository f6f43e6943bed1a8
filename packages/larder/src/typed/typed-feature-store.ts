import type {
  Columns,
  Echo,
  FeatureName,
  FeaturesEntityRow,
  FeaturesOf,
  FeatureVector,
  Int64Mode,
  Listed,
  OnlineFeatures,
  PushRow,
  Schema,
  Selection,
  ServiceEntityRow,
  ServiceName,
  ViewName,
} from "@larder/contract/typed";
import type {
  FeatureStore,
  FeatureStoreOptions,
  HistoricalFeaturesRequest,
  MaterializeRequest,
  OnlineFeaturesRequest,
} from "../feature-store.ts";

/** How a typed store is opened. */
export interface TypedFeatureStoreOptions<S extends Schema, Int64 extends Int64Mode>
  extends Omit<FeatureStoreOptions, "shapes"> {
  readonly tenant?: S["tenants"] | undefined;
  readonly int64?: Int64 | undefined;
}

/** A {@link FeatureStore} whose names and values the compiler checks. It is the same object: the types are all there is to it. */
export interface TypedFeatureStore<S extends Schema, Int64 extends Int64Mode = "number"> extends Untyped {
  readonly tenant: S["tenants"];
  joinKeys(selection: Selection<S>): ReturnType<FeatureStore["joinKeys"]>;

  /** The newest values of each entity for a list of features, in the order of the request. */
  getOnlineFeatures<
    const F extends readonly FeatureName<S>[],
    Row extends FeaturesEntityRow<S, F[number]>,
    Full extends boolean = false,
  >(
    request: TypedRequest<Row, Full> & { readonly features: F; readonly featureService?: undefined },
  ): Promise<
    OnlineFeatures<
      Listed<F, Columns<FeaturesOf<S, F[number]>, Full, Int64>>,
      Echo<Row, FeaturesEntityRow<S, F[number]>>
    >
  >;

  /** The newest values of each entity for a feature service, in the order of the request. */
  getOnlineFeatures<N extends ServiceName<S>, Row extends ServiceEntityRow<S, N>, Full extends boolean = false>(
    request: TypedRequest<Row, Full> & { readonly featureService: N; readonly features?: undefined },
  ): Promise<OnlineFeatures<FeatureVector<S, N, Int64, Full>, Echo<Row, ServiceEntityRow<S, N>>>>;

  /** As {@link FeatureStore.push}. */
  push<V extends ViewName<S>>(
    view: V,
    rows: readonly PushRow<S, V>[],
    options?: Parameters<FeatureStore["push"]>[2],
  ): ReturnType<FeatureStore["push"]>;

  materialize(
    request: MaterializeRequest & { readonly views?: readonly ViewName<S>[] | undefined },
  ): ReturnType<FeatureStore["materialize"]>;

  getHistoricalFeatures(
    request: Omit<HistoricalFeaturesRequest, "features" | "featureService"> & Selection<S>,
  ): ReturnType<FeatureStore["getHistoricalFeatures"]>;
}

/** What names and value types do not touch. */
type Untyped = Omit<
  FeatureStore,
  "tenant" | "joinKeys" | "getOnlineFeatures" | "push" | "materialize" | "getHistoricalFeatures"
>;

interface TypedRequest<Row, Full extends boolean>
  extends Omit<OnlineFeaturesRequest, "features" | "featureService" | "fullFeatureNames" | "entityRows"> {
  /** One object per entity: join key -> value. Other members are ignored. */
  readonly entityRows: readonly Row[];
  readonly fullFeatureNames?: Full | undefined;
}
