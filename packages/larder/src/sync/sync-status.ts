import { type StreamAdmin, streamOf, topicsOf } from "@larder/materializer/stream";
import { type Definitions, LarderError } from "@larder/schema";
import { type OnlineStore, readWatermark, type Watermark } from "@larder/store-core";
import type { SyncStatusBody } from "./sync-status-body.ts";

/** What is known of a sync from a process that runs, and from the brokers and the store. */
export interface SyncOverview {
  /** What the process at `url` says of itself; undefined where none answers there. */
  readonly process: SyncStatusBody | undefined;
  /** Why not. */
  readonly unreachable: string | undefined;
  readonly url: string;
  readonly topics: readonly TopicLag[];
  readonly watermarks: readonly StoreWatermark[];
}

/** A topic as the group has committed it, by whichever processes. */
export interface TopicLag {
  readonly topic: string;
  readonly partitions: number;
  /** Partitions that nobody has committed yet: all of their records are lag. */
  readonly uncommitted: number;
  /** Records that are not committed. */
  readonly lag: bigint;
}

/** What writes have announced in the store, by whatever way they came; undefined where it keeps no watermark. */
export interface StoreWatermark {
  readonly view: string;
  readonly tenant: string;
  readonly watermark: Watermark | undefined;
}

/** Where and whom to ask. */
export interface SyncOverviewRequest {
  readonly url: string;
  /** `Authorization: Bearer`, with the scope admin, where the sync asks for credentials. */
  readonly apiKey: string | undefined;
  readonly signal: AbortSignal;
}

/** Longest wait for the process's answer, and for the store's. Milliseconds. */
const ASK_MS = 5_000;

/**
 * How a sync does. What only a process knows, latencies and the oldest event under way, is missing where none answers; lag in records is the brokers'
 * and holds for all processes of the group.
 * @throws CONFIG_INVALID where no view reads a stream; UNAUTHENTICATED, FORBIDDEN where the process refuses the key; what brokers and store throw
 */
export async function syncOverview(
  parts: { readonly definitions: Definitions; readonly store: OnlineStore; readonly admin: StreamAdmin },
  request: SyncOverviewRequest,
): Promise<SyncOverview> {
  const { definitions, store, admin } = parts;
  const { groupId } = streamOf(definitions);
  const { status, unreachable } = await askProcess(request);
  const topics: TopicLag[] = [];
  for (const topic of topicsOf(definitions)) topics.push(await lagOf(admin, groupId, topic));
  const streamed = [...definitions.views.values()].filter((view) => view.stream !== undefined);
  const pairs = streamed.flatMap(({ name: view }) =>
    [...definitions.tenants.keys()].map((tenant) => ({ view, tenant })),
  );
  const watermarks: StoreWatermark[] = [];
  for (const { view, tenant } of pairs) {
    const scope = { project: definitions.project, tenant, view };
    const deadline = performance.now() + ASK_MS;
    const watermark = await readWatermark(store, scope, { tenant, deadline, signal: request.signal });
    watermarks.push({ view, tenant, watermark });
  }
  return { process: status, unreachable, url: request.url, topics, watermarks };
}

async function lagOf(admin: StreamAdmin, groupId: string, topic: string): Promise<TopicLag> {
  const begins = new Map((await admin.beginOffsets(topic)).map((each) => [each.partition, each.offset]));
  const committed = new Map(
    (await admin.committedOffsets(groupId, topic)).map((each) => [each.partition, each.offset]),
  );
  const ends = await admin.endOffsets(topic);
  let lag = 0n;
  for (const { partition, offset } of ends) {
    const begin = begins.get(partition) ?? 0n;
    const at = committed.get(partition) ?? begin;
    lag += offset - (at > begin ? at : begin);
  }
  const uncommitted = ends.filter(({ partition }) => !committed.has(partition)).length;
  return { topic, partitions: ends.length, uncommitted, lag };
}

async function askProcess({ url, apiKey, signal }: SyncOverviewRequest) {
  const asked = AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]);
  const headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  let response: Response;
  try {
    response = await fetch(new URL("/status", url), { headers, signal: asked });
  } catch (cause) {
    signal.throwIfAborted();
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
    return { status: undefined, unreachable: reason };
  }
  if (response.ok) return { status: (await response.json()) as SyncStatusBody, unreachable: undefined };
  await response.body?.cancel();
  if (response.status !== 401 && response.status !== 403) {
    return { status: undefined, unreachable: `it answered ${response.status}` };
  }
  throw new LarderError(response.status === 401 ? "UNAUTHENTICATED" : "FORBIDDEN", {
    what: `The sync at ${url} refuses to tell its status`,
    remedy: "Put a key with the scope admin into LARDER_API_KEY",
    facts: { status: response.status },
  });
}
