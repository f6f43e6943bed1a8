import type { GetOnlineFeaturesAnswer, PredictAnswer, ROUTES, WriteAnswer } from "@larder/contract";
import type { Int64Mode, OnlineFeatures, TimeInput } from "@larder/contract/typed";
import { LarderError } from "@larder/schema/portable";
import { readFeatures } from "./read-features.ts";
import { refuseUnsafe } from "./refuse-unsafe.ts";
import { type RetryOptions, RetryPolicy } from "./retry-policy.ts";
import { type Incoming, send, type TransportOptions } from "./transport.ts";
import { columnTypes, type ValueTypes } from "./value-types.ts";
import { writeColumns, writeValue } from "./write-value.ts";

/** How a client is made. */
export interface ClientOptions {
  /** Where Larder answers: `http://localhost:6566`. */
  readonly url: string;
  /** An API key of `larder keys create`, or a token. Never in an error or a log. Default: none is sent. */
  readonly apiKey?: string | undefined;
  /** Whose rows. Default: the server's own default. */
  readonly tenant?: string | undefined;
  /** Milliseconds for a call, retries included. Default 1000. */
  readonly deadlineMs?: number | undefined;
  readonly retries?: RetryOptions | undefined;
  /** How int64 and unix_timestamp values come out. Default `number`, which refuses values beyond 2^53. `bigint` needs a typed client. */
  readonly int64?: Int64Mode | undefined;
  /** Default: the runtime's own. */
  readonly fetch?: typeof fetch | undefined;
}

/** What every call may say about its end. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds, retries included. Default: the client's. */
  readonly deadlineMs?: number | undefined;
}

/** Which features of which entities: a list of `view:feature`, or a feature service. */
export interface FeaturesRequest {
  readonly features?: readonly string[] | undefined;
  readonly featureService?: string | undefined;
  /** One object per entity: join key -> value. At least one. */
  readonly entityRows: readonly object[];
  /** Name columns `view__feature`. Default false. */
  readonly fullFeatureNames?: boolean | undefined;
  /** Hand out values that are past their TTL, with status OUTSIDE_MAX_AGE. Default false. */
  readonly allowStale?: boolean | undefined;
}

/** What to predict for. */
export interface PredictRequest {
  /** Default: the server's first model. */
  readonly model?: string | undefined;
  /** One object per entity: join key -> value, and what else the model asks for. At least one. */
  readonly entityRows: readonly object[];
}

/** Entities to delete from one view. */
export interface DeleteRequest {
  readonly view: string;
  readonly entityRows: readonly object[];
  /** Rows up to this time are gone, later ones stay. */
  readonly eventTimestamp: TimeInput;
}

/**
 * Larder over HTTP. Every method may throw what the server answered, with its own code, and SERVER_UNAVAILABLE, DEADLINE_EXCEEDED, ABORTED,
 * REQUEST_FAILED. It holds no connection: there is nothing to close.
 */
export interface LarderClient {
  /**
   * The newest values of each entity, in the order of the request. `Values` and `Keys` are what the caller knows of it.
   * @throws UNSAFE_INTEGER, INVALID_REQUEST
   */
  getOnlineFeatures<Values extends object = Record<string, unknown>, Keys extends object = object>(
    request: FeaturesRequest,
    call?: CallOptions,
  ): Promise<OnlineFeatures<Values, Keys>>;
  /** A prediction per entity row; null where `errors` says why. @throws UNSAFE_INTEGER, INVALID_REQUEST */
  predict<Answer extends object = PredictAnswer>(request: PredictRequest, call?: CallOptions): Promise<Answer>;
  /** Writes rows, all of the same members, to every view of a push source. May be repeated: the newest row wins. @throws INVALID_REQUEST */
  push(source: string, rows: readonly object[], call?: CallOptions): Promise<WriteAnswer>;
  /** Deletes entities of a view as of a time. @throws INVALID_REQUEST */
  delete(request: DeleteRequest, call?: CallOptions): Promise<WriteAnswer>;
}

type Path<Route extends keyof typeof ROUTES> = (typeof ROUTES)[Route]["path"];

const FEATURES: Path<"getOnlineFeatures"> = "/get-online-features";
const PREDICT: Path<"predict"> = "/predict";
const PREDICT_WITH_MODEL: Path<"predictWithModel"> = "/models/{model}/predict";
const PUSH: Path<"push"> = "/push";
const DELETE: Path<"deleteFromOnlineStore"> = "/delete-from-online-store";

const DEADLINE_MS = 1000;

/** Makes a client for any definitions; see {@link generatedClient} for one that knows its own. @throws INVALID_REQUEST for a bad url or tenant */
export function createClient(options: ClientOptions): LarderClient {
  return clientWithTypes(options, { features: {}, services: {} });
}

/** A client that knows the types JSON has no form for. */
export function clientWithTypes(options: ClientOptions, types: ValueTypes): LarderClient {
  const { int64 = "number" } = options;
  const transport = transportOf(options);
  const post = (path: string, body: object, call: CallOptions): Promise<Incoming> =>
    send(transport, { method: "POST", path, body: JSON.stringify(body), ...call });
  return {
    async getOnlineFeatures<Values extends object, Keys extends object>(
      request: FeaturesRequest,
      call: CallOptions = {},
    ) {
      const { features, featureService, entityRows, fullFeatureNames = false, allowStale = false } = request;
      const body = {
        ...(features === undefined ? {} : { features }),
        ...(featureService === undefined ? {} : { feature_service: featureService }),
        entities: writeColumns(someRows(entityRows)),
        full_feature_names: fullFeatureNames,
      };
      const answer = await post(allowStale ? `${FEATURES}?allow_stale=true` : FEATURES, body, call);
      const columns = columnTypes(types, request, fullFeatureNames);
      return readFeatures<Values, Keys>(answer.body as GetOnlineFeaturesAnswer, entityRows, columns, int64);
    },
    async predict<Answer extends object>({ model, entityRows }: PredictRequest, call: CallOptions = {}) {
      const rows = someRows(entityRows).map((row, index) =>
        Object.fromEntries(Object.entries(row).map(([name, value]) => [name, writeValue(value, name, index)])),
      );
      const path =
        model === undefined ? PREDICT : PREDICT_WITH_MODEL.replace("{model}", () => encodeURIComponent(model));
      const { body } = await post(path, { entity_rows: rows }, call);
      refuseUnsafe(body as PredictAnswer);
      return body as Answer;
    },
    async push(source, rows, call = {}) {
      const df = writeColumns(someRows(rows));
      return (await post(PUSH, { push_source_name: source, df }, call)).body as WriteAnswer;
    },
    async delete({ view, entityRows, eventTimestamp }, call = {}) {
      const body = {
        feature_view_name: view,
        entities: writeColumns(someRows(entityRows)),
        event_timestamp: writeValue(eventTimestamp, "event_timestamp", 0),
      };
      return (await post(DELETE, body, call)).body as WriteAnswer;
    },
  };
}

function transportOf(options: ClientOptions): TransportOptions {
  const { url, apiKey, tenant, deadlineMs = DEADLINE_MS, retries = {} } = options;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new LarderError("INVALID_REQUEST", {
      what: "url is no http or https address",
      remedy: "Give one such as http://localhost:6566",
      facts: { field: "url" },
    });
  }
  return {
    url: url.replace(/\/+$/, ""),
    headers: {
      "content-type": "application/json",
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      ...(tenant === undefined ? {} : { "x-larder-tenant": encodeURIComponent(tenant) }),
    },
    deadlineMs,
    retries: new RetryPolicy(retries),
    // Called as a function of its own: a browser's fetch refuses to be a method of another object.
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
  };
}

function someRows(rows: readonly object[]): readonly object[] {
  if (rows.length > 0) return rows;
  throw new LarderError("INVALID_REQUEST", {
    what: "There are no rows",
    remedy: "Give at least one row",
    facts: { field: "rows" },
  });
}
