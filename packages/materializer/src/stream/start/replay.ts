import { setTimeout as wait } from "node:timers/promises";
import { isLarderError } from "@larder/schema";
import { aborted } from "../../retry.ts";
import type { EventSource, TopicPartition } from "../event-source.ts";
import type { StreamAdmin } from "../stream-admin.ts";
import { groupActiveError } from "../stream-errors.ts";
import { createSync, type Sync, type SyncParts } from "../sync/sync.ts";
import { streamOf, topicsOf } from "../sync/sync-settings.ts";
import type { SyncStatus } from "../sync/sync-status.ts";
import { type BoundedPartition, BoundedSource } from "./bounded-source.ts";
import { moveGroup, planWindow, type StartPlan } from "./plan-start.ts";
import type { StartPosition } from "./start-position.ts";

/** What a replay works with. The caller opened it, and closes it; a source that it opens for itself it closes itself. */
export interface ReplayParts extends Omit<SyncParts, "source"> {
  readonly admin: StreamAdmin;
  readonly openSource: (groupId: string) => Promise<EventSource>;
}

/** Which records to read. */
export interface ReplayRequest {
  readonly from: StartPosition;
  /** Up to the first record of this time, or this offset; it is not read itself. */
  readonly until: StartPosition;
  readonly signal: AbortSignal;
  /** In offsets of the windows, from where this run began. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
  /** A partition of which nothing has come for so long, while the brokers answer and nothing else is in the way, has no more records in its window. Milliseconds; default 10,000. */
  readonly quietMs?: number;
}

/** What a replay did. */
export interface ReplayReport extends Pick<SyncStatus, "views" | "deadLetters" | "unknownFields"> {
  /** The group it read in. It is gone with the replay. */
  readonly groupId: string;
  /** It went on where a former run of the same window was. Counts are of this run. */
  readonly resumed: boolean;
  readonly partitions: readonly BoundedPartition[];
  /** Partitions whose last offsets held no records, as the marks of transactions do. */
  readonly quiet: readonly TopicPartition[];
}

/**
 * Reads a window of the topics into the store, whatever the sync of the same topics does meanwhile: in a group of its own, whose commits are the
 * checkpoint. A run that is killed is gone on with by the next one of the same words, as soon as the killed one's session is over.
 * @throws USAGE, see {@link planWindow}; STREAM_GROUP_ACTIVE while another process replays the window; ABORTED; what {@link Sync.run} throws
 */
export async function replay(parts: ReplayParts, request: ReplayRequest): Promise<ReplayReport> {
  const { admin, definitions, openSource } = parts;
  const { from, until, signal, onProgress, quietMs = QUIET_MS } = request;
  const { groupId, sessionTimeoutMs } = streamOf(definitions);
  const plan = await planWindow(admin, { groupId, topics: topicsOf(definitions), from, until });
  await untilEmpty(admin, plan.groupId, sessionTimeoutMs, signal);
  const resumed = plan.partitions.some(({ committed }) => committed !== undefined);
  const windows = plan.partitions.map((each) => leftOf(each));
  await moveGroup(admin, {
    ...plan,
    partitions: plan.partitions.map((each, at) => ({ ...each, from: windows[at]?.from ?? each.from })),
  });
  await using source = new BoundedSource(await openSource(plan.groupId), windows);
  const sync = createSync({ ...parts, source });
  const stop = new AbortController();
  const running = sync.run(AbortSignal.any([signal, stop.signal]));
  running.catch(() => {}); // heard of below
  const watch = new Watch(sync, source, admin, plan, quietMs);
  try {
    while (!signal.aborted && !watch.over) {
      const ended = await Promise.race([running.then(() => true), wait(POLL_MS, false)]);
      if (ended) break;
      await watch.look();
      onProgress?.({ done: watch.done, total: source.total });
    }
  } finally {
    stop.abort();
    await Promise.allSettled([running]);
  }
  await running;
  if (signal.aborted) throw aborted(signal);
  await source.close();
  await untilEmpty(admin, plan.groupId, sessionTimeoutMs, signal);
  await admin.deleteGroup(plan.groupId);
  const { views, deadLetters, unknownFields } = sync.status();
  return {
    groupId: plan.groupId,
    resumed,
    partitions: windows,
    quiet: watch.quiet,
    views,
    deadLetters,
    unknownFields,
  };
}

const POLL_MS = 100;
const COMMITTED_MS = 1_000;
const QUIET_MS = 10_000;
/** Beyond a session's timeout, until the broker has acted on it. */
const GRACE_MS = 5_000;

/** What is left of a partition's window after a former run. */
function leftOf({
  topic,
  partition,
  from,
  until = from,
  committed,
}: StartPlan["partitions"][number]): BoundedPartition {
  const left = committed === undefined || committed < from ? from : committed;
  return { topic, partition, from: left < until ? left : until, until };
}

/** Looks whether a replay is through. */
class Watch {
  readonly quiet: TopicPartition[] = [];
  readonly #sync: Sync;
  readonly #source: BoundedSource;
  readonly #admin: StreamAdmin;
  readonly #plan: StartPlan;
  readonly #quietMs: number;
  /** When each partition that is not through was last seen to have something to do, and where it stood. */
  readonly #stirred = new Map<string, { readonly at: number; readonly position: bigint }>();
  #asked = performance.now();

  constructor(sync: Sync, source: BoundedSource, admin: StreamAdmin, plan: StartPlan, quietMs: number) {
    this.#sync = sync;
    this.#source = source;
    this.#admin = admin;
    this.#plan = plan;
    this.#quietMs = quietMs;
  }

  /** All was handed over, and nothing of it is under way. */
  get over(): boolean {
    return this.#source.open.length === 0 && this.#inFlight === 0;
  }

  get done(): number {
    return Math.max(0, this.#source.done - this.#inFlight);
  }

  get #inFlight(): number {
    return this.#sync.status().partitions.reduce((sum, { records }) => sum + records, 0);
  }

  async look(): Promise<void> {
    const now = performance.now();
    if (now - this.#asked < COMMITTED_MS) return;
    this.#asked = now;
    const answered = await this.#askCommitted();
    const { outages, partitions } = this.#sync.status();
    for (const open of this.#source.open) {
      const key = `${open.topic}:${open.partition}`;
      const lane = partitions.find(({ topic, partition }) => topic === open.topic && partition === open.partition);
      const before = this.#stirred.get(key);
      const busy = !answered || !open.assigned || outages.length > 0 || (lane?.records ?? 0) > 0;
      if (busy || before?.position !== open.position) {
        this.#stirred.set(key, { at: now, position: open.position });
      } else if (now - before.at >= this.#quietMs) {
        this.quiet.push({ topic: open.topic, partition: open.partition });
        this.#source.giveUp(open);
      }
    }
  }

  /** A partition that was given back and taken again begins behind its last commit, which may be its window's end. */
  async #askCommitted(): Promise<boolean> {
    try {
      for (const topic of new Set(this.#plan.partitions.map((each) => each.topic))) {
        this.#source.committed(await this.#admin.committedOffsets(this.#plan.groupId, topic));
      }
      return true;
    } catch (error) {
      if (isLarderError(error, "STREAM_UNAVAILABLE")) return false;
      throw error;
    }
  }
}

/** A process that was killed stays a member until its session is over. @throws STREAM_GROUP_ACTIVE, ABORTED */
async function untilEmpty(admin: StreamAdmin, groupId: string, sessionMs: number, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + sessionMs + GRACE_MS;
  for (;;) {
    const members = await admin.members(groupId);
    if (members.length === 0) return;
    if (performance.now() > deadline) throw groupActiveError(groupId, members);
    await wait(POLL_MS, undefined, { signal }).catch(() => {});
    if (signal.aborted) throw aborted(signal);
  }
}
