import type { PartitionOffset, StreamRecord, TopicPartition } from "../event-source.ts";
import { attemptsOf, DEAD_LETTER_HEADERS } from "../sync/dead-letters.ts";

/** A record of a dead-letter topic, and what its headers say. */
export interface Letter {
  /** Where it is. */
  readonly at: PartitionOffset;
  readonly record: StreamRecord;
  /** undefined where it has not the headers of a dead letter: somebody else put it there. */
  readonly reason: LetterReason | undefined;
}

/** Why a record is a dead letter. */
export interface LetterReason {
  readonly code: string;
  readonly field: string;
  readonly message: string;
  /** Where it came from. */
  readonly source: PartitionOffset;
  /** The record's own time, in milliseconds of the epoch. */
  readonly timestamp: number;
  readonly attempt: number;
  /** When it was refused, in milliseconds of the epoch. */
  readonly refusedAt: number;
  readonly schemaId: string | undefined;
  readonly view: string | undefined;
  readonly tenant: string | undefined;
  /** Bytes of a value that the letter does not hold; undefined where it holds it. */
  readonly valueBytes: number | undefined;
}

/** Reads a record of a dead-letter topic. */
export function readLetter({ topic, partition }: TopicPartition, record: StreamRecord): Letter {
  return { at: { topic, partition, offset: record.offset }, record, reason: reasonOf(record) };
}

function reasonOf(record: StreamRecord): LetterReason | undefined {
  const text = (name: keyof typeof DEAD_LETTER_HEADERS): string | undefined => {
    const bytes = record.headers.get(DEAD_LETTER_HEADERS[name]);
    return bytes === undefined ? undefined : Buffer.from(bytes).toString();
  };
  const number = (name: keyof typeof DEAD_LETTER_HEADERS): number => {
    const digits = text(name) ?? "";
    return /^\d+$/.test(digits) ? Number(digits) : Number.NaN;
  };
  const code = text("code");
  const topic = text("topic");
  const offset = text("offset") ?? "";
  const [partition, timestamp, refusedAt] = [number("partition"), number("timestamp"), Date.parse(text("time") ?? "")];
  const whole = [partition, timestamp].every(Number.isSafeInteger) && /^\d+$/.test(offset) && !Number.isNaN(refusedAt);
  if (code === undefined || topic === undefined || !whole) return undefined;
  return {
    code,
    field: text("field") ?? "",
    message: text("message") ?? "",
    source: { topic, partition, offset: BigInt(offset) },
    timestamp,
    attempt: attemptsOf(record),
    refusedAt,
    schemaId: text("schemaId"),
    view: text("view"),
    tenant: text("tenant"),
    valueBytes: text("valueBytes") === undefined ? undefined : number("valueBytes"),
  };
}
