import { isLarderError, LarderError, parseTime } from "@larder/schema";
import type { PartitionOffset } from "../event-source.ts";
import { partitionKey } from "../partition-key.ts";
import type { StreamAdmin } from "../stream-admin.ts";

/** A place in the log of every partition, as somebody names it. `text` is how. */
export type StartPosition = { readonly text: string } & (
  | { readonly kind: "earliest" | "latest" }
  /** The first record of this time or a later one; milliseconds of the epoch, by the records' own times. */
  | { readonly kind: "time"; readonly ms: number }
  /** Some partitions; the others are not spoken of. */
  | { readonly kind: "offsets"; readonly offsets: readonly PartitionOffset[] }
);

/** Reads `earliest`, `latest`, an ISO 8601 time, or a list `topic:partition:offset,…`. @throws USAGE naming `option` */
export function parseStartPosition(option: string, text: string): StartPosition {
  if (text === "earliest" || text === "latest") return { kind: text, text };
  const time = timeIn(text);
  if (time !== undefined) return { kind: "time", ms: Math.ceil(time / 1_000), text };
  const offsets = text.split(",").map(readOffset);
  if (offsets.some((offset) => offset === undefined)) {
    throw wrong(option, `${option} ${text} is no position`, FORMS);
  }
  const known = offsets.filter((offset) => offset !== undefined);
  const twice = known.find((offset, at) => known.findIndex((each) => partitionKey(each) === partitionKey(offset)) < at);
  if (twice !== undefined) {
    throw wrong(option, `${option} names ${twice.topic}:${twice.partition} twice`, "Name each partition once");
  }
  return { kind: "offsets", offsets: known, text };
}

/** Offsets of one topic's log. */
export interface TopicEnds {
  readonly topic: string;
  /** Per partition the oldest offset that is still there, and the one after the last record. */
  readonly begin: readonly PartitionOffset[];
  readonly end: readonly PartitionOffset[];
}

/** What both ends of the topics are. @throws what {@link StreamAdmin} throws */
export async function readEnds(admin: StreamAdmin, topics: readonly string[]): Promise<readonly TopicEnds[]> {
  const ends: TopicEnds[] = [];
  for (const topic of topics) {
    ends.push({ topic, begin: await admin.beginOffsets(topic), end: await admin.endOffsets(topic) });
  }
  return ends;
}

/**
 * The offset of each partition that the position speaks of, by {@link partitionKey}.
 * @throws USAGE for a partition that does not exist and for an offset that its log does not have; what {@link StreamAdmin} throws
 */
export async function resolvePosition(
  admin: StreamAdmin,
  ends: readonly TopicEnds[],
  option: string,
  position: StartPosition,
): Promise<ReadonlyMap<string, bigint>> {
  switch (position.kind) {
    case "earliest":
      return byPartition(ends.flatMap(({ begin }) => begin));
    case "latest":
      return byPartition(ends.flatMap(({ end }) => end));
    case "time": {
      const found: PartitionOffset[] = [];
      for (const { topic } of ends) found.push(...(await admin.offsetsAt(topic, position.ms)));
      return byPartition(found);
    }
    case "offsets":
      for (const offset of position.offsets) refuseOutside(ends, option, offset);
      return byPartition(position.offsets);
  }
}

/** Offsets by {@link partitionKey}. */
export function byPartition(offsets: readonly PartitionOffset[]): ReadonlyMap<string, bigint> {
  return new Map(offsets.map((each) => [partitionKey(each), each.offset]));
}

const FORMS = "Give earliest, latest, an ISO 8601 time, or topic:partition:offset with commas between several";

/** Microseconds of the epoch; undefined for what is no time. */
function timeIn(text: string): number | undefined {
  try {
    return parseTime(text);
  } catch (error) {
    if (isLarderError(error, "INVALID_REQUEST")) return undefined;
    throw error;
  }
}

function readOffset(text: string): PartitionOffset | undefined {
  const [, topic, partition, offset] = /^([^:\s]+):(\d{1,9}):(\d{1,18})$/.exec(text.trim()) ?? [];
  if (topic === undefined) return undefined;
  return { topic, partition: Number(partition), offset: BigInt(offset ?? "") };
}

function refuseOutside(
  ends: readonly TopicEnds[],
  option: string,
  { topic, partition, offset }: PartitionOffset,
): void {
  const of = ends.find((each) => each.topic === topic);
  if (of === undefined) {
    const topics = ends.map((each) => each.topic).join(", ");
    throw wrong(option, `${option} names topic ${topic}, which no view reads`, `Name one of ${topics}`);
  }
  const begin = of.begin.find((each) => each.partition === partition)?.offset;
  const end = of.end.find((each) => each.partition === partition)?.offset;
  if (begin === undefined || end === undefined) {
    const last = of.begin.length - 1;
    throw wrong(option, `${option} names partition ${partition} of ${topic}, which has 0 to ${last}`, "Correct it");
  }
  if (offset >= begin && offset <= end) return;
  const what = `${option} names offset ${offset} of ${topic}:${partition}, whose log goes from ${begin} to ${end}`;
  throw wrong(option, what, "Give an offset between them, or earliest or latest");
}

function wrong(field: string, what: string, remedy: string): LarderError {
  return new LarderError("USAGE", { what, remedy, facts: { field } });
}
