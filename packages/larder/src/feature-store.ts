import { resolve } from "node:path";
import type { Int64Mode, OnlineFeatures, TimeInput } from "@larder/contract/typed";
import type { MaterializeReport } from "@larder/materializer";
import {
  type Clock,
  type Definitions,
  findTenant,
  findView,
  hashShapes,
  type JoinKey,
  LarderError,
  loadDefinitions,
  systemClock,
} from "@larder/schema";
import { encodeEntityRows, type OnlineStore, openOnlineStore } from "@larder/store-core";
import type { TrainingSetReport } from "@larder/training-features";
import { type FeaturesAsOfRequest, readFeaturesAsOf } from "./features-as-of.ts";
import { type ErasureReceipt, forgetEntity } from "./forget-entity.ts";
import { createOnlineFeatures, type EntityRow } from "./online-features.ts";
import { type PushResult, pushRows } from "./push-rows.ts";
import { type FeatureSelection, ReadPlans } from "./read-plans.ts";
import { microsOf } from "./time-input.ts";
import { createTrainingSet, type TrainingSetOptions } from "./training-set.ts";

/** How a store is opened. */
export interface FeatureStoreOptions {
  /** Whose rows; one tenant per store. Default `default`. */
  readonly tenant?: string | undefined;
  /** How int64 and unix_timestamp values come out. Default `number`, which refuses values beyond 2^53 with UNSAFE_INTEGER. */
  readonly int64?: Int64Mode | undefined;
  /** Logical now. Default: the machine's clock. */
  readonly clock?: Clock | undefined;
  /** Where `${VAR}` in the yaml is looked up. Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Hash of what generated types were made from, given by `larder.gen.ts`: definitions of other shapes are refused. Default: none are. */
  readonly shapes?: string | undefined;
}

/** What every call may say about its end. */
interface Cancellable {
  readonly signal?: AbortSignal | undefined;
}

/** A read. */
export interface OnlineFeaturesRequest extends FeatureSelection, Cancellable {
  /** One object per entity: join key -> value. Other members are ignored. */
  readonly entityRows: readonly EntityRow[];
  /** Hand out values that are past their TTL, with status OUTSIDE_MAX_AGE. Default false. */
  readonly allowStale?: boolean | undefined;
  /** Milliseconds after which the read fails with STORE_TIMEOUT. Default: `online_store.deadline`. */
  readonly deadlineMs?: number | undefined;
}

/** A backfill; times are inclusive at both ends. */
export interface MaterializeRequest extends Cancellable {
  readonly start: TimeInput;
  readonly end: TimeInput;
  /** Default: every view with a batch source. */
  readonly views?: readonly string[] | undefined;
}

/** A run that goes on where the last one ended. */
export interface IncrementalRequest extends Cancellable {
  /** Inclusive; a time ahead of now means now. */
  readonly end: TimeInput;
  /** Default: every view with a batch source. */
  readonly views?: readonly string[] | undefined;
  /** How long a row may take from its created time into the files, in microseconds. Default: an hour. */
  readonly lookback?: number | undefined;
}

/** An erasure. Paths count from the current folder. */
export interface ForgetOptions extends Cancellable {
  /** Folder below which to look for training sets that contain the entity. Default: that of the definitions. */
  readonly trainingSets?: string | undefined;
}

/** A point-in-time join; see {@link TrainingSetOptions}. */
export type HistoricalFeaturesRequest = Omit<TrainingSetOptions, "tenant">;

/**
 * The embedded API: one tenant's features, online and offline, from one `feature_store.yaml`.
 *
 * ```ts
 * await using store = await FeatureStore.open("feature_store.yaml");
 * const features = await store.getOnlineFeatures({
 *   features: ["churn_features:tenure_months"],
 *   entityRows: [{ customer_id: 12345 }],
 * });
 * features.toRows(); // [{ customer_id: 12345, tenure_months: 24 }]
 * ```
 *
 * Reads load neither DuckDB nor ONNX Runtime nor an HTTP server; `materialize`, `getFeaturesAsOf` and `getHistoricalFeatures` load DuckDB when
 * they are called.
 */
export class FeatureStore implements AsyncDisposable {
  readonly definitions: Definitions;
  readonly tenant: string;
  readonly #store: OnlineStore;
  readonly #clock: Clock;
  readonly #int64: Int64Mode;
  readonly #plans: ReadPlans;

  private constructor(definitions: Definitions, store: OnlineStore, clock: Clock, options: FeatureStoreOptions) {
    this.definitions = definitions;
    this.tenant = options.tenant ?? "default";
    this.#store = store;
    this.#clock = clock;
    this.#int64 = options.int64 ?? "number";
    this.#plans = new ReadPlans(definitions);
  }

  /**
   * Loads the definitions and opens the online store they name.
   * @throws CONFIG_INVALID, CONFIG_UNREADABLE, CODEGEN_STALE, UNKNOWN_TENANT, and what opening the store throws
   */
  static async open(file: string, options: FeatureStoreOptions = {}): Promise<FeatureStore> {
    const definitions = await loadDefinitions(file, { env: options.env ?? process.env });
    if (options.shapes !== undefined) refuseOtherShapes(definitions, options.shapes);
    findTenant(definitions, options.tenant ?? "default");
    const clock = options.clock ?? systemClock;
    return new FeatureStore(definitions, await openOnlineStore(definitions, { clock }), clock, options);
  }

  /** The columns that entity rows must bring for these features. */
  joinKeys(selection: FeatureSelection): readonly JoinKey[] {
    return this.#plans.get(selection).joinKeys;
  }

  /**
   * The newest values of each entity, in the order of the request. `Values` and `Keys` are the caller's word for what a row holds; generated types
   * give it.
   */
  async getOnlineFeatures<Values extends object = Record<string, unknown>, Keys extends object = object>(
    request: OnlineFeaturesRequest,
  ): Promise<OnlineFeatures<Values, Keys>> {
    const plan = this.#plans.get(request);
    const keys = encodeEntityRows(plan, request.entityRows);
    const { deadlineMs } = request;
    const call = {
      ...this.#call(request),
      ...(deadlineMs === undefined ? {} : { deadline: performance.now() + deadlineMs }),
    };
    const batch = await this.#store.read(plan, keys, call, { allowStale: request.allowStale === true });
    return createOnlineFeatures(batch, request.entityRows, this.#int64);
  }

  /**
   * What {@link FeatureStore.getOnlineFeatures} would have answered at a time in the past, had everything known by then been materialized: read from the
   * offline store, with the same TTL and statuses. The online store is not asked.
   */
  async getFeaturesAsOf(request: FeaturesAsOfRequest): Promise<OnlineFeatures<Record<string, unknown>, object>> {
    const { definitions, tenant } = this;
    return readFeaturesAsOf({ definitions, tenant, int64: this.#int64, clock: this.#clock }, request);
  }

  /**
   * Writes rows of one view, each if it is newer than what is stored; `outcomes[i]` tells what became of `rows[i]`.
   * @throws INVALID_ROWS with every problem, before anything is written
   */
  async push(
    view: string,
    rows: readonly Readonly<Record<string, unknown>>[],
    options: Cancellable = {},
  ): Promise<PushResult> {
    return pushRows(this.#store, findView(this.definitions, view), rows, this.#call(options));
  }

  /** Loads the latest rows of a window of event times from the offline store into the online store. */
  async materialize(request: MaterializeRequest): Promise<MaterializeReport> {
    const { materialize } = await import("@larder/materializer");
    const { views, signal } = request;
    return materialize(
      { definitions: this.definitions, store: this.#store, clock: this.#clock },
      {
        start: microsOf("start", request.start),
        end: microsOf("end", request.end),
        tenant: this.tenant,
        ...(views === undefined ? {} : { views }),
        ...(signal === undefined ? {} : { signal }),
      },
    );
  }

  /** Loads what came since the last run, late rows among it, from the offline store into the online store. */
  async materializeIncremental(request: IncrementalRequest): Promise<MaterializeReport> {
    const { materializeIncremental } = await import("@larder/materializer");
    const { views, signal, lookback } = request;
    return materializeIncremental(
      { definitions: this.definitions, store: this.#store, clock: this.#clock },
      {
        end: microsOf("end", request.end),
        tenant: this.tenant,
        ...(lookback === undefined ? {} : { lookback }),
        ...(views === undefined ? {} : { views }),
        ...(signal === undefined ? {} : { signal }),
      },
    );
  }

  /** Joins entity rows with the features known at their times, into a Parquet file with a manifest beside it. */
  async getHistoricalFeatures(request: HistoricalFeaturesRequest): Promise<TrainingSetReport> {
    return createTrainingSet(this.definitions, { ...request, tenant: this.tenant }, this.#clock);
  }

  /**
   * Erases an entity, named by all join keys of one or more entities, from every view that is about it, and keeps its rows from coming back. Takes some
   * seconds, until every process of the store has heard of it.
   * @throws INVALID_REQUEST; see `larder forget`
   */
  async forget(entity: EntityRow, options: ForgetOptions = {}): Promise<ErasureReceipt> {
    const { trainingSets, signal } = options;
    const parts = { definitions: this.definitions, store: this.#store, clock: this.#clock };
    const folder = trainingSets === undefined ? undefined : resolve(trainingSets);
    return forgetEntity(parts, { tenant: this.tenant, entity, confirmed: true, trainingSets: folder, signal });
  }

  /** Ends every connection; later calls fail with STORE_CLOSED. Safe to call twice. */
  close(): Promise<void> {
    return this.#store.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #call({ signal }: Cancellable) {
    return { tenant: this.tenant, ...(signal === undefined ? {} : { signal }) };
  }
}

function refuseOtherShapes(definitions: Definitions, generated: string): void {
  const shapes = hashShapes(definitions);
  if (shapes === generated) return;
  throw new LarderError("CODEGEN_STALE", {
    what: `The generated types were made from other definitions than ${definitions.file}`,
    remedy: "Run `larder codegen` on these definitions and compile again, or open those the types were made from",
    facts: { file: definitions.file, generated, shapes },
  });
}
