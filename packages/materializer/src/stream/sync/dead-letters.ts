import { setTimeout as wait } from "node:timers/promises";
import { type Clock, isLarderError } from "@larder/schema";
import type { Refusal } from "../decoded-record.ts";
import type { StreamRecord } from "../event-source.ts";
import type { OutgoingRecord, RecordSink } from "../record-sink.ts";
import { type Backoff, untilItWorks } from "./backoff.ts";
import type { LaneRecord } from "./lane.ts";
import type { Outages } from "./outages.ts";

/** Names of the headers that say why a record is here; its own headers are kept beside them. */
export const DEAD_LETTER_HEADERS = {
  code: "larder.code",
  field: "larder.field",
  message: "larder.message",
  topic: "larder.topic",
  partition: "larder.partition",
  offset: "larder.offset",
  /** The record's own time, in milliseconds of the epoch. */
  timestamp: "larder.timestamp",
  /** 1 for the first time, one more each time it is replayed and refused again. */
  attempt: "larder.attempt",
  /** When it was refused, ISO 8601. */
  time: "larder.time",
  schemaId: "larder.schema_id",
  /** Of what was refused, where it is known. */
  view: "larder.view",
  tenant: "larder.tenant",
  /** The size of a value that is too large for the dead-letter topic: it is left out, and still in its own topic at its offset. */
  valueBytes: "larder.value_bytes",
} as const;

/** What {@link DeadLetters} works with. */
export interface DeadLettersParts {
  readonly sink: Pick<RecordSink, "send">;
  readonly clock: Clock;
  /** `{topic}` stands for the record's own. */
  readonly topicPattern: string;
  /** How long letters are kept back while it is not known yet whether too many are poison. Milliseconds. */
  readonly holdMs: number;
  /** Whether that is known. */
  readonly decided: () => boolean;
  readonly backoff: Backoff;
  readonly outages: Outages;
  readonly signal: AbortSignal;
  readonly onSent: (record: LaneRecord, refusal: Refusal) => void;
  readonly onFailure: (error: unknown) => void;
}

interface WaitingLetter {
  readonly from: LaneRecord;
  readonly refusal: Refusal;
  readonly since: number;
}

/** Letters of one sending. */
const MAX_LETTERS = 500;

/** How often it is looked whether letters that are kept back may go. */
const LOOK_MS = 50;

/** Longest text of a header, in characters. */
const MAX_TEXT = 1_000;

/** Sends refused records to their dead-letter topic, in their order; they are settled when the broker has them. */
export class DeadLetters {
  readonly #parts: DeadLettersParts;
  #waiting: WaitingLetter[] = [];
  #sending = false;

  constructor(parts: DeadLettersParts) {
    this.#parts = parts;
  }

  add(from: LaneRecord, refusal: Refusal): void {
    this.#waiting.push({ from, refusal, since: performance.now() });
    if (this.#sending) return;
    this.#sending = true;
    void this.#run().catch(this.#parts.onFailure);
  }

  /** Forgets letters of partitions that are gone: their next owner meets the records again. */
  forgetGone(): void {
    this.#waiting = this.#waiting.filter(({ from }) => !from.lane.gone);
  }

  async #run(): Promise<void> {
    const { signal } = this.#parts;
    while (this.#waiting.length > 0 && !signal.aborted) {
      if (await this.#keptBack()) continue;
      const batch = this.#waiting.splice(0, MAX_LETTERS);
      await this.#send(batch);
    }
    this.#sending = false;
  }

  /**
   * After a start, a process does not know yet whether the odd record is poison or all of them are. Did it send letters at once, each restart of one that
   * the alarm stops would drain some more of the topic.
   */
  async #keptBack(): Promise<boolean> {
    const { decided, holdMs, signal } = this.#parts;
    const [first] = this.#waiting;
    if (first === undefined || decided() || performance.now() >= first.since + holdMs) return false;
    await wait(Math.min(LOOK_MS, holdMs), undefined, { signal }).catch(() => {});
    return true;
  }

  async #send(batch: readonly WaitingLetter[]): Promise<void> {
    const byTopic = new Map<string, WaitingLetter[]>();
    for (const each of batch) {
      const topic = deadLetterTopic(this.#parts.topicPattern, each.from.lane.topic);
      const letters = byTopic.get(topic) ?? [];
      byTopic.set(topic, letters);
      letters.push(each);
    }
    try {
      for (const [topic, letters] of byTopic) await this.#sendTo(topic, letters, false);
    } catch (error) {
      if (!this.#parts.signal.aborted) throw error;
    } finally {
      this.#parts.outages.over("dead_letters", this);
    }
  }

  async #sendTo(topic: string, letters: readonly WaitingLetter[], withoutValue: boolean): Promise<void> {
    const { sink, backoff, outages, signal, onSent } = this.#parts;
    const records = letters.map((letter) => this.#record(letter, withoutValue));
    try {
      await untilItWorks(
        () => sink.send(topic, records),
        backoff,
        signal,
        (problem) => outages.failed("dead_letters", this, problem),
      );
    } catch (error) {
      if (withoutValue || !isTooLarge(error)) throw error;
      if (letters.length > 1) for (const letter of letters) await this.#sendTo(topic, [letter], false);
      else await this.#sendTo(topic, letters, true);
      return;
    }
    for (const { from, refusal } of letters) onSent(from, refusal);
  }

  #record({ from: { lane, record }, refusal }: WaitingLetter, withoutValue: boolean): OutgoingRecord {
    const facts: Readonly<Record<keyof typeof DEAD_LETTER_HEADERS, string | number | bigint | undefined>> = {
      code: refusal.code,
      field: refusal.field,
      message: refusal.message,
      topic: lane.topic,
      partition: lane.partition,
      offset: record.offset,
      timestamp: record.timestamp,
      attempt: attemptsOf(record) + 1,
      time: new Date(this.#parts.clock.now() / 1000).toISOString(),
      schemaId: refusal.schemaId,
      view: refusal.view,
      tenant: refusal.tenant,
      valueBytes: withoutValue ? record.value?.byteLength : undefined,
    };
    const headers = new Map(record.headers);
    for (const [fact, name] of Object.entries(DEAD_LETTER_HEADERS)) {
      const value = facts[fact as keyof typeof facts];
      if (value === undefined) headers.delete(name);
      else headers.set(name, Buffer.from(String(value).slice(0, MAX_TEXT)));
    }
    return { key: record.key, value: withoutValue ? null : record.value, headers };
  }
}

/** Where refused records of a topic go. */
export function deadLetterTopic(pattern: string, topic: string): string {
  return pattern.replaceAll("{topic}", topic);
}

/** How often a record was in the dead letters before. */
export function attemptsOf({ headers }: Pick<StreamRecord, "headers">): number {
  const attempt = Number(Buffer.from(headers.get(DEAD_LETTER_HEADERS.attempt) ?? []).toString("latin1"));
  return Number.isSafeInteger(attempt) && attempt > 0 ? attempt : 0;
}

function isTooLarge(error: unknown): boolean {
  return (
    isLarderError(error, "STREAM_MISCONFIGURED") &&
    ["MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"].includes(String(error.facts["reason"]))
  );
}
