/** Tenant of a request, percent-encoded UTF-8; `default` when absent. */
export const TENANT_HEADER = "x-larder-tenant";

/** The tenant in a path that begins with {@link TENANT_PREFIX}, percent-encoded; `.` and `..` can only be named by the header. */
export const TENANT_PARAMETER = "tenant";

/** Before the path of every route that is bound to a tenant, for clients that can send no header. */
export const TENANT_PREFIX = `/t/{${TENANT_PARAMETER}}`;

/** Taken from the request when it is short and printable, made up otherwise; always in the answer. */
export const REQUEST_ID_HEADER = "x-request-id";

/** Where the time went, in milliseconds: `queue;dur=…, store;dur=…, decode;dur=…, model;dur=…, encode;dur=…, total;dur=…`. */
export const SERVER_TIMING_HEADER = "server-timing";

/** `true` where rows came from last known good or from defaults, because the store failed; absent otherwise. */
export const DEGRADED_HEADER = "x-larder-degraded";

/** Media type of an error body that follows RFC 9457. */
export const PROBLEM_MEDIA_TYPE = "application/problem+json";

/** Media type of every request body and of every other answer. */
export const JSON_MEDIA_TYPE = "application/json";

/** Media types of what columns travel as: a Parquet file, and a stream of Arrow record batches. */
export const PARQUET_MEDIA_TYPE = "application/vnd.apache.parquet";
export const ARROW_STREAM_MEDIA_TYPE = "application/vnd.apache.arrow.stream";
