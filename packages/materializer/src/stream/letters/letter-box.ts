import { randomUUID } from "node:crypto";
import { type Clock, type Definitions, LarderError } from "@larder/schema";
import type { DecodedRecord, RecordDecoder } from "../decoded-record.ts";
import type { EventSource, Generation, PartitionOffset, RecordBatch } from "../event-source.ts";
import { openEventSource } from "../open-stream.ts";
import type { StreamAdmin } from "../stream-admin.ts";
import { streamOf } from "../sync/sync-settings.ts";
import { type Letter, readLetter } from "./letter.ts";
import { type CompiledFilter, compileFilter, decoderOfLetters, type LetterFilter } from "./letter-filter.ts";
import { readToEnd } from "./read-to-end.ts";

/** What work on dead letters needs. The caller opened it, and closes it. */
export interface LetterParts {
  readonly definitions: Definitions;
  readonly admin: StreamAdmin;
  readonly decoder: RecordDecoder;
  readonly clock: Clock;
}

/** How far a read of dead letters is, over all of its topics. */
export interface LetterProgress {
  readonly done: number;
  /** undefined until all ends are known. */
  readonly total: number | undefined;
}

/** A read of dead letters. */
export interface LetterRequest {
  readonly filter: LetterFilter;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: LetterProgress) => void) | undefined;
}

/** Letters of one partition, in its order. */
export interface LetterBatch {
  readonly source: EventSource;
  readonly generation: Generation;
  readonly letters: readonly { readonly letter: Letter; readonly matches: boolean }[];
  readonly stillOurs: () => boolean;
}

/** Dead-letter topics, read with a filter. */
export class LetterBox {
  readonly filter: CompiledFilter;
  readonly decodeNow: (letter: Letter) => DecodedRecord | Promise<DecodedRecord>;
  readonly #parts: LetterParts;
  readonly #request: LetterRequest;

  /** @throws see {@link compileFilter}; CONFIG_INVALID where no view reads a stream */
  constructor(parts: LetterParts, request: LetterRequest) {
    const { definitions, decoder, clock } = parts;
    this.#parts = parts;
    this.#request = request;
    this.decodeNow = decoderOfLetters(definitions, decoder, () => clock.now());
    this.filter = compileFilter(definitions, request.filter, this.decodeNow);
  }

  /** The group under which letters of this filter are remembered as replayed. */
  get replayGroup(): string {
    return `${streamOf(this.#parts.definitions).groupId}.dlq-replay.${this.filter.name}`;
  }

  /** What a replay with this filter has behind it. */
  replayed(topic: string): Promise<readonly PartitionOffset[]> {
    return this.#parts.admin.committedOffsets(this.replayGroup, topic);
  }

  /**
   * Reads every topic of the filter to its end, one after the other, as members of the replay's group, or by itself and leaving no trace.
   * @throws STREAM_MISCONFIGURED where a topic does not exist; what {@link readToEnd} throws
   */
  async read(
    as: "replay" | "reader",
    onBatch: (batch: LetterBatch) => Promise<"more" | "enough">,
    startsOf?: (topic: string) => Promise<readonly PartitionOffset[]>,
  ): Promise<void> {
    const { definitions, admin } = this.#parts;
    const { filter, signal, onProgress } = this.#request;
    const stream = streamOf(definitions);
    const groupId = as === "replay" ? this.replayGroup : `${stream.groupId}.dlq-read.${randomUUID()}`;
    let done = 0;
    let total: number | undefined;
    if (onProgress !== undefined) total = await this.#count();
    let enough = false;
    for (const topic of this.filter.topics) {
      if (enough) return;
      await this.#refuseMissing(topic);
      const starts = (await startsOf?.(topic)) ?? (as === "reader" ? await this.#firstOf(topic, filter) : undefined);
      await using source = await openEventSource({ ...stream, groupId }, [topic]);
      let last: Promise<unknown> = Promise.resolve();
      // Partitions come side by side; limits and rates are of all of them.
      const inTurn = (batch: RecordBatch, stillOurs: () => boolean) => {
        const taken = last.then(() => takeBatch(batch, stillOurs));
        last = taken.catch(() => {}); // the reader hears of it
        return taken;
      };
      const takeBatch = async (batch: RecordBatch, stillOurs: () => boolean) => {
        if (enough || !stillOurs()) return enough ? "enough" : "more";
        const letters: LetterBatch["letters"][number][] = [];
        for (const record of batch.records) {
          const letter = readLetter(batch, record);
          letters.push({ letter, matches: await this.filter.matches(letter) });
        }
        const wish = await onBatch({ source, generation: batch.generation, letters, stillOurs });
        done += letters.length;
        onProgress?.({ done, total });
        if (wish === "enough" || isPast(letters, filter)) enough = true;
        return enough ? "enough" : "more";
      };
      await readToEnd({ topic, source, groupId, admin, starts, signal, onBatch: inTurn });
    }
  }

  async #count(): Promise<number> {
    let count = 0n;
    for (const topic of this.filter.topics) {
      await this.#refuseMissing(topic);
      const begins = new Map((await this.#parts.admin.beginOffsets(topic)).map((at) => [at.partition, at.offset]));
      for (const { partition, offset } of await this.#parts.admin.endOffsets(topic)) {
        count += offset - (begins.get(partition) ?? 0n);
      }
    }
    return Number(count);
  }

  async #refuseMissing(topic: string): Promise<void> {
    if ((await this.#parts.admin.partitions(topic)) !== undefined) return;
    throw new LarderError("STREAM_MISCONFIGURED", {
      what: `There is no topic ${topic}, which takes dead letters`,
      remedy: "Create it, or correct stream.poison.topic",
      facts: { topic, reason: "UNKNOWN_TOPIC_OR_PARTITION" },
    });
  }

  /** One partition, or one letter of it, need not be searched for among all. */
  async #firstOf(
    topic: string,
    { partition, offset = 0n }: LetterFilter,
  ): Promise<readonly PartitionOffset[] | undefined> {
    if (partition === undefined) return undefined;
    const ends = await this.#parts.admin.endOffsets(topic);
    return ends.map((end) => (end.partition === partition ? { ...end, offset } : end));
  }
}

/** The one letter that was asked for is there, or the place where it would be is passed. */
function isPast(letters: LetterBatch["letters"], { partition, offset }: LetterFilter): boolean {
  const last = letters.at(-1)?.letter.at;
  return offset !== undefined && last !== undefined && last.partition === partition && last.offset >= offset;
}
