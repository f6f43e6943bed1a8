import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { type Clock, type Definitions, type FeatureView, isLarderError, LarderError } from "@larder/schema";
import type { OnlineStore } from "@larder/store-core";
import type { Pace } from "../../pace.ts";
import type { DecodedRecord, RecordDecoder, Refusal } from "../decoded-record.ts";
import type { BatchConsumer, EventSource, Generation, RecordBatch, TopicPartition } from "../event-source.ts";
import type { RecordSink } from "../record-sink.ts";
import { untilItWorks } from "./backoff.ts";
import { Commits } from "./commits.ts";
import { attemptsOf, DeadLetters } from "./dead-letters.ts";
import { DecodeTurns } from "./decode-turns.ts";
import { Lane, type LaneRecord } from "./lane.ts";
import { type Dependency, Outages } from "./outages.ts";
import { PoisonWindow } from "./poison-window.ts";
import { streamDeadLetters, streamWrites } from "./stream-diagnostics.ts";
import { SYNC_SETTINGS, type SyncSettings, streamOf } from "./sync-settings.ts";
import type { DeadLetterCount, SyncStatus, ViewCounts } from "./sync-status.ts";
import { ViewWriter, type ViewWriterParts } from "./view-writer.ts";

/** What a sync works with. The caller opened it, and closes it when the sync has ended. */
export interface SyncParts {
  readonly definitions: Definitions;
  readonly store: OnlineStore;
  readonly source: EventSource;
  readonly sink: Pick<RecordSink, "send">;
  readonly decoder: RecordDecoder;
  readonly clock: Clock;
  /** Default: as fast as the store takes rows. */
  readonly pace?: Pace;
  readonly onEvent?: (event: SyncEvent) => void;
  readonly settings?: Partial<SyncSettings>;
}

/** What somebody who looks after a sync wants to read in its log. */
export type SyncEvent =
  | { readonly kind: "assigned" | "revoked" | "lost"; readonly partitions: readonly TopicPartition[] }
  | { readonly kind: "away"; readonly of: Dependency; readonly problem: LarderError }
  | { readonly kind: "back"; readonly of: Dependency }
  | { readonly kind: "fenced"; readonly problem: LarderError };

/** Rows of topics into the online store. */
export interface Sync {
  /**
   * Reads until `signal` aborts; then ends what is under way and commits it. Called once.
   * @throws STREAM_POISONED when too many records are poison; STREAM_MISCONFIGURED, STORE_MISCONFIGURED and others that no waiting mends
   */
  run(signal: AbortSignal): Promise<void>;
  status(): SyncStatus;
}

/**
 * Makes a sync: records are decoded, merged to the greatest row per view, tenant and entity, written if newer, and only then committed. What may be
 * read twice is written twice, which newest-wins makes harmless; so the store ends the same wherever a process is killed. A record that can never be
 * written goes to the dead letters, and counts as done when the broker has it there.
 * @throws CONFIG_INVALID when no view reads a stream
 */
export function createSync(parts: SyncParts): Sync {
  return new SyncEngine(parts);
}

/** Refusals that tell of a tenant, not of the records' make: one tenant stops no other, so they raise no alarm. */
const OF_A_TENANT: ReadonlySet<string> = new Set(["UNKNOWN_TENANT", "QUOTA_EXCEEDED"]);

class SyncEngine implements Sync, BatchConsumer {
  readonly #parts: SyncParts;
  readonly #settings: SyncSettings;
  readonly #stream: NonNullable<Definitions["stream"]>;
  readonly #lanes = new Map<string, Lane>();
  readonly #writers = new Map<FeatureView, Map<string, ViewWriter>>();
  readonly #writerParts: ViewWriterParts;
  readonly #outages: Outages;
  readonly #commits: Commits;
  readonly #deadLetters: DeadLetters;
  readonly #poison: PoisonWindow;
  readonly #turns = new DecodeTurns(() => this.#rowsWaiting());
  readonly #sent = new Map<string, DeadLetterCount>();
  /** Aborts all waits and writes. */
  readonly #end = new AbortController();
  /** Aborts when the sync has to stop by itself; the reason is why. */
  readonly #failed = new AbortController();
  #unknownFields = 0;
  /** The group has told what is ours, and has not taken all of it back since. */
  #joined = false;
  #running = false;

  constructor(parts: SyncParts) {
    this.#parts = parts;
    this.#settings = { ...SYNC_SETTINGS, ...parts.settings };
    this.#stream = streamOf(parts.definitions);
    const { backoff, holdMs, commitMs, commitRecords, writeMs } = this.#settings;
    const { store, source, sink, clock, pace, onEvent } = parts;
    const signal = this.#end.signal;
    const outages = new Outages((of, problem) =>
      onEvent?.(problem === undefined ? { kind: "back", of } : { kind: "away", of, problem }),
    );
    const onFailure = (error: unknown) => this.#failed.abort(error);
    this.#outages = outages;
    this.#poison = new PoisonWindow(this.#stream.poison);
    this.#commits = new Commits({
      source,
      outages,
      everyMs: commitMs,
      everyRecords: commitRecords,
      onFenced: (problem) => onEvent?.({ kind: "fenced", problem }),
    });
    this.#deadLetters = new DeadLetters({
      sink,
      clock,
      topicPattern: this.#stream.poison.topic,
      holdMs,
      decided: () => this.#poison.full,
      backoff,
      outages,
      signal,
      onSent: (record, refusal) => this.#onSent(record, refusal),
      onFailure,
    });
    this.#writerParts = {
      now: () => clock.now(),
      store,
      pace,
      writeMs,
      backoff,
      outages,
      signal,
      onWritten: ({ view, tenant }, items, result) => {
        if (streamWrites.hasSubscribers) {
          const rows = items.map(({ row, from }) => ({ eventTime: row.eventTime, brokerTime: from.record.timestamp }));
          const { project } = parts.definitions;
          streamWrites.publish({ project, view: view.name, tenant, result, rows, readableAt: clock.now() });
        }
        for (const { from } of items) this.#done(from);
        this.#turns.written();
      },
      onRefused: (items, refusal) => {
        for (const { from } of items) {
          this.#refuse(from, refusal);
          this.#done(from);
        }
      },
      onFailure,
    };
  }

  async run(signal: AbortSignal): Promise<void> {
    const failed = this.#failed.signal;
    const consume = new AbortController();
    this.#running = true;
    const committing = this.#commits.run(() => [...this.#lanes.values()], this.#end.signal);
    committing.catch((error: unknown) => this.#failed.abort(error));
    const consuming = this.#parts.source.consume(this, consume.signal);
    try {
      await Promise.race([consuming, aborted(signal), aborted(failed)]);
      this.#running = false;
      await this.#giveUp([...this.#lanes.values()], failed.aborted ? 0 : this.#settings.drainMs);
    } finally {
      this.#running = false;
      this.#end.abort();
      consume.abort();
      await Promise.allSettled([consuming, committing]);
    }
    await consuming;
    failed.throwIfAborted();
  }

  status(): SyncStatus {
    const outages = this.#outages.now;
    const at = this.#parts.clock.now();
    return {
      at,
      ready: this.#running && this.#joined && outages.length === 0,
      running: this.#running,
      joined: this.#joined,
      outages,
      partitions: [...this.#lanes.values()].map((lane) => {
        const { topic, partition, position, committed, highWatermark, records, bytes, paused } = lane;
        const oldest = lane.oldest === undefined ? undefined : lane.oldest * 1_000;
        return { topic, partition, position, committed, highWatermark, oldest, records, bytes, paused };
      }),
      views: this.#viewStatus(at),
      deadLetters: [...this.#sent.values()],
      unknownFields: this.#unknownFields,
    };
  }

  onAssigned(generation: Generation, partitions: readonly TopicPartition[]): void {
    if (!this.#running) return;
    this.#joined = true;
    this.#parts.onEvent?.({ kind: "assigned", partitions });
    for (const each of partitions) {
      const lane = this.#laneOf(each, generation);
      lane.generation = generation;
      if (lane.paused) this.#parts.source.pause([lane]);
    }
    for (const lane of this.#lanes.values()) this.#makeRoom(lane);
  }

  async onRevoked(partitions: readonly TopicPartition[], deadline: number): Promise<void> {
    this.#parts.onEvent?.({ kind: "revoked", partitions });
    const given = this.#giveUp(this.#ours(partitions), deadline - performance.now());
    // Said now: when the drain ends, the group may have told already what is ours next.
    this.#joined = [...this.#lanes.values()].some(({ stopped }) => !stopped);
    await given;
  }

  onLost(partitions: readonly TopicPartition[]): void {
    this.#parts.onEvent?.({ kind: "lost", partitions });
    this.#drop(this.#ours(partitions));
    this.#joined = this.#lanes.size > 0;
  }

  async onBatch(batch: RecordBatch): Promise<void> {
    if (!this.#running) return;
    let lane = this.#laneOf(batch, batch.generation);
    if (lane.rewinds(batch)) {
      this.#drop([lane]);
      lane = this.#laneOf(batch, batch.generation);
    }
    lane.take(batch);
    this.#makeRoom(lane);
    if (!lane.decoding) void this.#decode(lane).catch((error: unknown) => this.#failed.abort(error));
  }

  #viewStatus(at: number): readonly ViewCounts[] {
    const undecoded = new Map<string, number>();
    for (const { topic, oldestUndecoded } of this.#lanes.values()) {
      if (oldestUndecoded === undefined) continue;
      undecoded.set(topic, Math.min(undecoded.get(topic) ?? Number.POSITIVE_INFINITY, oldestUndecoded * 1_000));
    }
    return this.#eachWriter().map(({ view, tenant, counts, lag, oldest }) => {
      const times = [oldest, ...(view.stream?.topics ?? []).map((topic) => undecoded.get(topic))];
      const known = times.filter((time) => time !== undefined);
      return {
        view: view.name,
        tenant,
        ...counts,
        lag: lag.status(at),
        oldest: known.length === 0 ? undefined : Math.min(...known),
      };
    });
  }

  #laneOf(at: TopicPartition, generation: Generation): Lane {
    const key = keyOf(at);
    let lane = this.#lanes.get(key);
    if (lane?.stopped === true && !isSameGeneration(lane.generation, generation)) {
      // It came back before the drain that gave it up had ended. That lane would take none of its records.
      this.#drop([lane]);
      lane = undefined;
    }
    if (lane === undefined) {
      lane = new Lane(at, generation, (settled) => {
        this.#commits.settled();
        this.#makeRoom(settled);
      });
      this.#lanes.set(key, lane);
    }
    return lane;
  }

  #ours(partitions: readonly TopicPartition[]): readonly Lane[] {
    return partitions.map((each) => this.#lanes.get(keyOf(each))).filter((lane) => lane !== undefined);
  }

  /** Lets what is under way end within so many milliseconds, commits, and forgets the rest: whoever reads it again does no harm. */
  async #giveUp(lanes: readonly Lane[], ms: number): Promise<void> {
    for (const lane of lanes) lane.stop();
    const { lastCommitMs } = this.#settings;
    const drained = Promise.all(lanes.map((lane) => lane.idle()));
    if (ms > lastCommitMs) await within(ms - lastCommitMs, drained, this.#failed.signal);
    await within(Math.min(Math.max(ms, 0) || lastCommitMs, lastCommitMs), this.#commits.commit(lanes));
    this.#drop(lanes);
  }

  #drop(lanes: readonly Lane[]): void {
    for (const lane of lanes) {
      lane.giveUp();
      const key = keyOf(lane);
      if (this.#lanes.get(key) === lane) this.#lanes.delete(key);
    }
    for (const writer of this.#eachWriter()) writer.forgetGone();
    this.#deadLetters.forgetGone();
    for (const lane of this.#lanes.values()) this.#makeRoom(lane);
  }

  /** Stops a partition that has as much on its way as it may, and resumes it when half of that is done. */
  #makeRoom(lane: Lane): void {
    if (lane.gone) return;
    const { maxInFlight } = this.#stream;
    const records = lane.records * this.#lanes.size;
    const bytes = lane.bytes * this.#lanes.size;
    if (!lane.paused && (records >= maxInFlight.records || bytes >= maxInFlight.bytes)) {
      lane.paused = true;
      this.#parts.source.pause([lane]);
    } else if (lane.paused && records * 2 <= maxInFlight.records && bytes * 2 <= maxInFlight.bytes) {
      lane.paused = false;
      this.#parts.source.resume([lane]);
    }
  }

  async #decode(lane: Lane): Promise<void> {
    lane.decoding = true;
    let turnEnds = await this.#turns.take();
    for (let next = lane.next(); next !== undefined && !lane.gone; next = lane.next()) {
      let decoded = this.#decodeRecord(next);
      if (decoded instanceof Promise) {
        lane.awaited = next.record;
        decoded = await decoded;
        lane.awaited = undefined;
      }
      this.#route(next, decoded);
      if (performance.now() >= turnEnds) turnEnds = await this.#turns.take();
    }
    lane.decoding = false;
  }

  #decodeRecord({ lane, record }: LaneRecord): DecodedRecord | Promise<DecodedRecord> {
    const { decoder, clock } = this.#parts;
    const decode = () => decoder.decode(lane, record, clock.now());
    try {
      const decoded = decode();
      return decoded instanceof Promise
        ? decoded.catch((error: unknown) => this.#decodeLater(lane, decode, error))
        : decoded;
    } catch (error) {
      return this.#decodeLater(lane, decode, error);
    }
  }

  /** A schema registry that is away is waited for, by its partition alone. */
  async #decodeLater(
    lane: Lane,
    decode: () => DecodedRecord | Promise<DecodedRecord>,
    failure: unknown,
  ): Promise<DecodedRecord> {
    let first = true;
    const again = () => {
      if (!first) return decode();
      first = false;
      throw failure;
    };
    const { signal } = this.#end;
    try {
      return await untilItWorks(again, this.#settings.backoff, signal, (problem) => {
        this.#outages.failed("schemas", lane, problem);
      });
    } catch (error) {
      if (signal.aborted) return { ok: true, rows: [], unknownFields: 0 }; // nothing is committed any more
      return { ok: false, refused: unforeseen(error) };
    } finally {
      this.#outages.over("schemas", lane);
    }
  }

  #route(from: LaneRecord, decoded: DecodedRecord): void {
    if (from.lane.gone || this.#end.signal.aborted) return;
    const judged = this.#refuseUnknownTenant(decoded);
    this.#judgePoison(from, judged);
    if (!judged.ok) {
      this.#refuse(from, judged.refused);
      return;
    }
    this.#unknownFields += judged.unknownFields;
    from.open = judged.rows.length;
    if (from.open === 0) from.lane.settle(from);
    for (const { view, tenant, row } of judged.rows) this.#writerOf(view, tenant).add({ row, from });
  }

  #refuseUnknownTenant(decoded: DecodedRecord): DecodedRecord {
    if (!decoded.ok || decoded.rows.every(({ tenant }) => this.#parts.definitions.tenants.has(tenant))) return decoded;
    const message = "The record is of a tenant that is not declared. Add it to tenants, then replay the dead letters.";
    return { ok: false, refused: { code: "UNKNOWN_TENANT", field: "tenant", message } };
  }

  #judgePoison({ lane, record }: LaneRecord, decoded: DecodedRecord): void {
    // A record that was sent back tells nothing new: replaying dead letters raises no alarm.
    const poison = !decoded.ok && !OF_A_TENANT.has(decoded.refused.code) && attemptsOf(record) === 0;
    if (!this.#poison.add(poison) || this.#failed.signal.aborted || decoded.ok) return;
    const { code, field, message } = decoded.refused;
    const { window, maxShare } = this.#stream.poison;
    this.#failed.abort(
      new LarderError("STREAM_POISONED", {
        what: `${this.#poison.poison} of the last ${window} records cannot be used, more than ${maxShare * 100} %; the latest, ${lane.topic} partition ${lane.partition} offset ${record.offset}: ${code} ${field}: ${message}`,
        remedy:
          "Correct the producers or the definitions, or raise stream.poison.max_share, and start again: it goes on from the last commit",
        facts: { topic: lane.topic, partition: lane.partition, offset: String(record.offset), code, field },
      }),
    );
  }

  #writerOf(view: FeatureView, tenant: string): ViewWriter {
    const ofView = this.#writers.get(view) ?? new Map<string, ViewWriter>();
    this.#writers.set(view, ofView);
    const writer = ofView.get(tenant) ?? new ViewWriter(view, tenant, this.#writerParts);
    ofView.set(tenant, writer);
    return writer;
  }

  #rowsWaiting(): number {
    let rows = 0;
    for (const ofView of this.#writers.values()) for (const writer of ofView.values()) rows += writer.waiting;
    return rows;
  }

  #eachWriter(): readonly ViewWriter[] {
    return [...this.#writers.values()].flatMap((ofView) => [...ofView.values()]);
  }

  #refuse(from: LaneRecord, refusal: Refusal): void {
    if (from.refused) return;
    from.refused = true;
    from.open++;
    this.#deadLetters.add(from, refusal);
  }

  #onSent(from: LaneRecord, { code, field, view, tenant }: Refusal): void {
    const { topic, partition } = from.lane;
    const key = JSON.stringify([topic, code, view, tenant]);
    this.#sent.set(key, { topic, code, view, tenant, count: (this.#sent.get(key)?.count ?? 0) + 1 });
    if (streamDeadLetters.hasSubscribers) {
      const { project } = this.#parts.definitions;
      streamDeadLetters.publish({ project, topic, partition, offset: from.record.offset, code, field });
    }
    this.#done(from);
  }

  /** One thing less to do for a record. */
  #done(from: LaneRecord): void {
    from.open--;
    if (from.open === 0) from.lane.settle(from);
  }
}

function isSameGeneration(a: Generation, b: Generation): boolean {
  return a.id === b.id && a.memberId === b.memberId;
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}:${partition}`; // no topic has a colon
}

/** What a decoder should have told as a refusal. The record is kept aside, so that it does not stand in the way of all others for ever. */
function unforeseen(error: unknown): Refusal {
  if (isLarderError(error)) return { code: error.code, field: "", message: error.message };
  const kind = error instanceof Error ? error.name : typeof error;
  return { code: "INTERNAL", field: "", message: `The decoder failed on it (${kind}). Report this, with the record.` };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}

/** Waits for something, but not longer than so many milliseconds, nor beyond `signal`. */
async function within(ms: number, work: Promise<unknown>, signal?: AbortSignal): Promise<void> {
  const done = new AbortController();
  const signals = signal === undefined ? [done.signal] : [done.signal, signal];
  const late = wait(ms, undefined, { signal: AbortSignal.any(signals) }).catch(() => {});
  try {
    await Promise.race([work, late]);
  } finally {
    done.abort();
    await late;
  }
}
