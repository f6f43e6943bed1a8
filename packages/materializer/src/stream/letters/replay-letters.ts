import { setTimeout as wait } from "node:timers/promises";
import { isLarderError, LarderError } from "@larder/schema";
import type { OutgoingRecord, RecordSink } from "../record-sink.ts";
import { DEAD_LETTER_HEADERS } from "../sync/dead-letters.ts";
import type { Letter, LetterReason } from "./letter.ts";
import { type LetterBatch, LetterBox, type LetterParts, type LetterRequest } from "./letter-box.ts";

/** How to replay. */
export interface LetterReplayRequest extends LetterRequest {
  readonly sink: Pick<RecordSink, "send">;
  /** At most so many in this run. */
  readonly limit?: number | undefined;
  /** At most so many in a second. */
  readonly perSecond: number;
  /** Sends and remembers nothing; says what would be sent, and what of it would be refused again by these definitions. */
  readonly dryRun: boolean;
}

/** What a replay did. */
export interface LetterReplayReport {
  readonly dryRun: boolean;
  /** Sent back, or what would be. */
  readonly sent: number;
  /** A dry run: how many of these the present definitions still refuse. */
  readonly refusedStill: number | undefined;
  /** Never sent: the letter lacks the value, which was too large for its topic; */
  readonly withoutValue: number;
  /** it is no dead letter; */
  readonly foreign: number;
  /** no view reads its topic. */
  readonly unread: number;
  /** Letters that earlier runs with this filter had passed. */
  readonly before: number;
  /** False where the limit ended it. */
  readonly complete: boolean;
}

/** Letters of one sending, which is also what a kill may send twice. */
const MAX_SENT = 100;

/**
 * Sends letters back to where they came from: same partition, key, value, time and headers, without those of a dead letter but for the attempt. What was
 * sent is remembered as the offsets of a group that stands for the filter: the next run goes on behind it, and so does one after a kill, which may send
 * the last {@link MAX_SENT} again. What is refused again comes back as a new letter, behind the end of this run.
 * @throws STREAM_MISCONFIGURED where a topic stamps records with its own time, by which a deletion would win over what came after it
 */
export async function replayLetters(parts: LetterParts, request: LetterReplayRequest): Promise<LetterReplayReport> {
  const box = new LetterBox(parts, request);
  const replay = new Replay(parts, request, box);
  await replay.refuseChangedTimes();
  const behind = (topic: string) => box.replayed(topic);
  for (const topic of box.filter.topics) {
    const begins = new Map((await parts.admin.beginOffsets(topic)).map((at) => [at.partition, at.offset]));
    for (const { partition, offset } of await behind(topic)) {
      const begin = begins.get(partition) ?? 0n;
      if (offset > begin) replay.report.before += Number(offset - begin);
    }
  }
  if (request.dryRun) {
    const startsOf = async (topic: string) => {
      const begins = await parts.admin.beginOffsets(topic);
      const passed = new Map((await behind(topic)).map((at) => [at.partition, at.offset]));
      return begins.map((begin) => ({ ...begin, offset: passed.get(begin.partition) ?? begin.offset }));
    };
    await box.read("reader", (batch) => replay.take(batch), startsOf);
  } else {
    await box.read("replay", (batch) => replay.take(batch));
  }
  return replay.report;
}

class Replay {
  readonly report: { -readonly [Fact in keyof LetterReplayReport]: LetterReplayReport[Fact] };
  readonly #parts: LetterParts;
  readonly #request: LetterReplayRequest;
  readonly #box: LetterBox;
  readonly #partitions = new Map<string, number>();
  readonly #begun = performance.now();

  constructor(parts: LetterParts, request: LetterReplayRequest, box: LetterBox) {
    this.#parts = parts;
    this.#request = request;
    this.#box = box;
    const { dryRun } = request;
    const refusedStill = dryRun ? 0 : undefined;
    this.report = { dryRun, sent: 0, refusedStill, withoutValue: 0, foreign: 0, unread: 0, before: 0, complete: true };
  }

  async refuseChangedTimes(): Promise<void> {
    for (const topic of this.#box.filter.sources) {
      const partitions = await this.#parts.admin.partitions(topic);
      if (partitions === undefined) continue;
      this.#partitions.set(topic, partitions.length);
      if (await this.#parts.admin.keepsRecordTimes(topic)) continue;
      throw new LarderError("STREAM_MISCONFIGURED", {
        what: `The topic ${topic} stamps records with the time of their append, so that an old deletion sent back would win over newer rows`,
        remedy: "Set message.timestamp.type=CreateTime on the topic while letters are replayed",
        facts: { topic, field: "message.timestamp.type" },
      });
    }
  }

  /** Sends what is meant of a batch, in pieces; each is remembered before the next. */
  async take({ source, generation, letters, stillOurs }: LetterBatch): Promise<"more" | "enough"> {
    const { dryRun, limit = Number.POSITIVE_INFINITY, perSecond } = this.#request;
    const piece = Math.max(1, Math.min(MAX_SENT, Math.floor(perSecond / 4)));
    for (let at = 0; at < letters.length; ) {
      if (this.report.sent >= limit) {
        this.report.complete = false;
        return "enough";
      }
      const records = new Map<string, OutgoingRecord[]>();
      let count = 0;
      for (; at < letters.length && count < piece && this.report.sent + count < limit; at++) {
        const { letter, matches } = letters[at] as LetterBatch["letters"][number];
        const reason = matches ? this.#sendable(letter) : undefined;
        if (reason === undefined) continue;
        count++;
        const ofTopic = records.get(reason.source.topic) ?? [];
        records.set(reason.source.topic, ofTopic);
        ofTopic.push(this.#recordOf(letter, reason));
        if (dryRun && !(await this.#box.decodeNow(letter)).ok)
          this.report.refusedStill = (this.report.refusedStill ?? 0) + 1;
      }
      if (!dryRun) {
        await this.#pace(count);
        if (!stillOurs()) return "more";
        for (const [topic, ofTopic] of records) await this.#request.sink.send(topic, ofTopic);
      }
      this.report.sent += count;
      const last = letters[at - 1]?.letter.at;
      if (dryRun || last === undefined) continue;
      try {
        await source.commit(generation, [{ ...last, offset: last.offset + 1n }]);
      } catch (error) {
        // The partition is another member's, who begins at what was remembered.
        if (!isLarderError(error, "STREAM_FENCED")) throw error;
        return "more";
      }
    }
    return "more";
  }

  #sendable({ reason }: Letter): LetterReason | undefined {
    if (reason === undefined) this.report.foreign++;
    else if (reason.valueBytes !== undefined) this.report.withoutValue++;
    else if (!this.#partitions.has(reason.source.topic)) this.report.unread++;
    else return reason;
    return undefined;
  }

  #recordOf({ record }: Letter, { source, timestamp }: LetterReason): OutgoingRecord {
    const headers = new Map(record.headers);
    for (const name of Object.values(DEAD_LETTER_HEADERS)) {
      if (name !== DEAD_LETTER_HEADERS.attempt) headers.delete(name);
    }
    const back: OutgoingRecord = { key: record.key, value: record.value, headers, timestamp };
    // A topic that was made anew may have fewer.
    return source.partition < (this.#partitions.get(source.topic) ?? 0)
      ? { ...back, partition: source.partition }
      : back;
  }

  /** Waits until so many more may be sent. */
  async #pace(count: number): Promise<void> {
    const { perSecond, signal } = this.#request;
    const due = this.#begun + ((this.report.sent + count) * 1_000) / perSecond;
    const ms = due - performance.now();
    if (ms > 0) await wait(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
