import { createHash } from "node:crypto";
import type { TopicPartition } from "../event-source.ts";
import { partitionKey } from "../partition-key.ts";
import type { GroupMember, StreamAdmin } from "../stream-admin.ts";
import { groupActiveError } from "../stream-errors.ts";
import { byPartition, readEnds, resolvePosition, type StartPosition } from "./start-position.ts";

/** Where a group shall begin to read. */
export interface StartRequest {
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly from: StartPosition;
}

/** The same for a window, which ends before `until`. */
export interface WindowRequest extends StartRequest {
  readonly until: StartPosition;
}

/** One partition of a plan. The log holds what is from `begin` on and before `end`. */
export interface PartitionStart extends TopicPartition {
  readonly begin: bigint;
  readonly end: bigint;
  /** What the group has committed; undefined where nothing. */
  readonly committed: bigint | undefined;
  /** The first offset to read. */
  readonly from: bigint;
  /** The first offset that is not to be read; undefined where there is no such end. */
  readonly until: bigint | undefined;
}

/** Where every partition of the topics stands, and where it shall. */
export interface StartPlan {
  readonly groupId: string;
  readonly members: readonly GroupMember[];
  readonly partitions: readonly PartitionStart[];
}

/**
 * Finds the offsets; changes nothing. Partitions that `from` does not speak of stay where they are.
 * @throws USAGE for a partition or an offset that is not there; what {@link StreamAdmin} throws
 */
export async function planStart(admin: StreamAdmin, { groupId, topics, from }: StartRequest): Promise<StartPlan> {
  const ends = await readEnds(admin, topics);
  const starts = await resolvePosition(admin, ends, "--from", from);
  return planned(admin, groupId, ends, (at, begin, committed) => ({
    from: starts.get(at) ?? committed ?? begin,
    until: undefined,
  }));
}

/**
 * The same for a window, in a group that is this window's alone: {@link windowGroup}. Partitions that one of its ends does not speak of are left out of
 * it. Where the group has committed, a former run of the same window came so far.
 */
export async function planWindow(admin: StreamAdmin, request: WindowRequest): Promise<StartPlan> {
  const ends = await readEnds(admin, request.topics);
  const starts = await resolvePosition(admin, ends, "--from", request.from);
  const stops = await resolvePosition(admin, ends, "--until", request.until);
  return planned(admin, windowGroup(request), ends, (at, begin) => {
    const from = starts.get(at);
    const until = stops.get(at);
    if (from === undefined || until === undefined) return { from: begin, until: begin };
    return { from, until: until > from ? until : from };
  });
}

/** The group that reads a window: the same for the same words, so that a run can go on where a killed one was, and nobody else's. */
function windowGroup({ groupId, topics, from, until }: WindowRequest): string {
  const words = JSON.stringify([[...topics].sort(), from.text, until.text]);
  return `${groupId}.replay-${createHash("sha256").update(words).digest("hex").slice(0, 12)}`;
}

/** Moves the group to where the plan says. @throws STREAM_GROUP_ACTIVE when it has members */
export async function moveGroup(admin: StreamAdmin, { groupId, partitions }: StartPlan): Promise<void> {
  // Asked anew: the plan may be old. Who joins between this and the next line is refused by the broker.
  const members = await admin.members(groupId);
  if (members.length > 0) throw groupActiveError(groupId, members);
  const moved = partitions.filter(({ from, committed }) => from !== committed);
  await admin.setOffsets(
    groupId,
    moved.map(({ topic, partition, from }) => ({ topic, partition, offset: from })),
  );
}

async function planned(
  admin: StreamAdmin,
  groupId: string,
  ends: Awaited<ReturnType<typeof readEnds>>,
  windowOf: (at: string, begin: bigint, committed: bigint | undefined) => Pick<PartitionStart, "from" | "until">,
): Promise<StartPlan> {
  const partitions: PartitionStart[] = [];
  for (const { topic, begin, end } of ends) {
    const committed = byPartition(await admin.committedOffsets(groupId, topic));
    const endOf = byPartition(end);
    for (const each of begin) {
      const at = partitionKey(each);
      const known = { begin: each.offset, end: endOf.get(at) ?? each.offset, committed: committed.get(at) };
      const window = windowOf(at, each.offset, known.committed);
      partitions.push({ topic, partition: each.partition, ...known, ...window });
    }
  }
  return { groupId, members: await admin.members(groupId), partitions };
}
