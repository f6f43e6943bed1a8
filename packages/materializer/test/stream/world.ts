import { join } from "node:path";
import { type Definitions, type FeatureRow, findView, parseDefinitions, systemClock } from "@larder/schema";
import { createRowOrder, encodeEntityKey, type OnlineStore, openOnlineStore } from "@larder/store-core";
import {
  type KafkaRecord,
  type KafkaServer,
  type LogicalClock,
  logicalClock,
  type SeededRandom,
} from "@larder/testkit";
import type { StreamRecord } from "../../src/stream/event-source.ts";
import {
  createRecordDecoder,
  createSync,
  openEventSource,
  openRecordSink,
  type Sync,
  type SyncEvent,
  type SyncParts,
  streamOf,
  topicsOf,
} from "../../src/stream/index.ts";

/** Where the clock of these tests stands, in milliseconds of the epoch: after every record. Over a Redis it is {@link presentMs}. */
export const NOW_MS = Date.parse("2026-01-01T00:00:00Z");

/** Redis removes by its own clock what is past its time, the tombstones of a past that is long over: over it, tests live in the present. */
export function presentMs(): number {
  return Math.floor(systemClock.now() / 1_000);
}

/** What a test says of its definitions; all are yaml values. */
export interface WorldOptions {
  readonly brokers: readonly string[];
  readonly topic: string;
  /** Default: the topic's name. */
  readonly group?: string;
  readonly onlineStore?: string;
  readonly client?: "kafkajs" | "platformatic";
  /** Default: 6 s. */
  readonly sessionTimeout?: string;
  /** How long rebalances may take. Default: 8 s. */
  readonly rebalanceTimeout?: string;
  /** More keys of `stream`, each with a comma before it. */
  readonly stream?: string;
  readonly tenants?: string;
  readonly folder?: string;
}

/** Definitions of one view over one JSON topic; the tenant is in a header. Rebalances are quick. */
function streamYaml(options: WorldOptions): string {
  const { brokers, topic, group = topic, onlineStore, client = "platformatic", tenants } = options;
  const { sessionTimeout = "6s", rebalanceTimeout = "8s", stream = "" } = options;
  return `project: test
online_store: ${onlineStore ?? "{ type: memory }"}
stream: { type: kafka, client: ${client}, brokers: ${JSON.stringify(brokers)}, group_id: ${group}, session_timeout: ${sessionTimeout}, rebalance_timeout: ${rebalanceTimeout}${stream} }
entities:
  - { name: customer, join_keys: [{ name: customer_id, type: int64 }] }
feature_views:
  - name: scores
    entity: customer
    features: [{ name: score, type: float64 }, { name: note, type: string }]
    stream: { topic: ${topic}, tenant_field: "header:tenant" }
tenants: ${tenants ?? "{ default: {}, acme: {} }"}
`;
}

export function streamDefinitions(options: WorldOptions): Definitions {
  return parseDefinitions(streamYaml(options), {
    file: join(options.folder ?? "/nowhere", "feature_store.yaml"),
    env: {},
  });
}

/** Something that was true of a customer, and the record that tells it. Times are milliseconds of the epoch. */
export interface Happening {
  readonly tenant: string;
  readonly customer: number;
  readonly eventTime: number;
  /** The record's own time. */
  readonly createdTime: number;
  /** undefined = the customer is deleted, as of the record's own time. */
  readonly score: number | null | undefined;
  readonly note: string;
}

/** Happenings in an order of their own, before `nowMs`: late ones, corrections of a later created time, deletions, some of them twice. */
export function someHappenings(
  random: SeededRandom,
  count: number,
  customers = 20,
  nowMs = NOW_MS,
): readonly Happening[] {
  const happenings: Happening[] = [];
  for (let i = 0; i < count; i++) {
    const before = happenings[random.integer(0, Math.max(0, happenings.length - 1))];
    if (before !== undefined && random.integer(0, 9) === 0) {
      happenings.push(before);
      continue;
    }
    const eventTime = nowMs - random.integer(1, 40) * 60_000;
    happenings.push({
      tenant: random.integer(0, 3) === 0 ? "acme" : "default",
      customer: random.integer(1, customers),
      eventTime,
      createdTime: eventTime + random.integer(0, 5) * 1_000,
      score: random.integer(0, 11) === 0 ? undefined : random.integer(0, 7) === 0 ? null : random.integer(0, 1_000) / 8,
      note: "x".repeat(random.integer(0, 30)),
    });
  }
  return happenings;
}

/** The record of a happening. A customer's are in one partition. */
export function recordOf({ tenant, customer, eventTime, createdTime, score, note }: Happening): KafkaRecord {
  const value =
    score === undefined
      ? null
      : JSON.stringify({ customer_id: customer, event_timestamp: new Date(eventTime).toISOString(), score, note });
  return {
    key: JSON.stringify({ customer_id: customer }),
    value,
    timestamp: createdTime,
    headers: { tenant },
  };
}

/** A row of a view as a test compares it. */
export interface PlainRow {
  readonly entityKey: string;
  readonly row: FeatureRow | undefined;
}

/** What the store must hold of a tenant, from the happenings alone. */
export function foldOf(
  definitions: Definitions,
  happenings: readonly Happening[],
  tenant: string,
): readonly PlainRow[] {
  const view = findView(definitions, "scores");
  const order = createRowOrder(view);
  const rows = new Map<string, FeatureRow>();
  for (const happening of happenings) {
    if (happening.tenant !== tenant) continue;
    const { customer, eventTime, createdTime, score, note } = happening;
    const row: FeatureRow = {
      entityKey: [BigInt(customer)],
      eventTime: (score === undefined ? createdTime : eventTime) * 1_000,
      createdTime: createdTime * 1_000,
      values: score === undefined ? undefined : [score, note],
    };
    const key = encodeEntityKey(view, row.entityKey);
    const best = rows.get(key);
    if (best === undefined || order(row, best) > 0) rows.set(key, row);
  }
  return sorted([...rows].map(([entityKey, row]) => ({ entityKey, row })));
}

/** What the store holds of a tenant. */
export async function heldOf(store: OnlineStore, tenant: string): Promise<readonly PlainRow[]> {
  const rows: PlainRow[] = [];
  for await (const { entityKey, row } of store.scan({ tenant, view: "scores" }, { tenant }))
    rows.push({ entityKey, row });
  return sorted(rows);
}

function sorted(rows: readonly PlainRow[]): readonly PlainRow[] {
  return rows.toSorted((a, b) => (a.entityKey < b.entityKey ? -1 : 1));
}

/** A process of a sync, in this one. */
export interface Member extends AsyncDisposable {
  readonly sync: Sync;
  readonly store: OnlineStore;
  readonly events: readonly SyncEvent[];
  readonly clock: LogicalClock;
  /** How the run ended. */
  readonly ended: Promise<void>;
  /** Tells it to stop and waits for its end. */
  stop(): Promise<void>;
}

/** Starts a member with clients of its own. It closes what it opened; a store that was given stays open. */
export async function startMember(
  definitions: Definitions,
  {
    store: given,
    settings = {},
    nowMs = NOW_MS,
  }: { readonly store?: OnlineStore; readonly settings?: SyncParts["settings"]; readonly nowMs?: number } = {},
): Promise<Member> {
  const stream = streamOf(definitions);
  const clock = logicalClock(nowMs * 1_000);
  const store = given ?? (await openOnlineStore(definitions, { clock }));
  const decoder = createRecordDecoder(definitions);
  const source = await openEventSource(stream, topicsOf(definitions));
  const sink = await openRecordSink(stream);
  const events: SyncEvent[] = [];
  const parts = { definitions, store, source, sink, decoder, clock, settings };
  const sync = createSync({ ...parts, onEvent: (event) => events.push(event) });
  const stopping = new AbortController();
  const ended = sync.run(stopping.signal);
  ended.catch(() => {}); // whoever waits for it hears of it
  const close = async () => {
    stopping.abort();
    await Promise.allSettled([ended]);
    await source.close();
    await sink.close();
    if (given === undefined) await store.close();
  };
  return {
    sync,
    store,
    events,
    clock,
    ended,
    stop: async () => {
      stopping.abort();
      await ended;
    },
    [Symbol.asyncDispose]: close,
  };
}

/** Whether a group has committed all that a topic holds. */
export async function isCaughtUp(kafka: KafkaServer, group: string, topic: string): Promise<boolean> {
  const [committed, ends] = await Promise.all([kafka.committed(group, topic), kafka.endOffsets(topic)]);
  return ends.every((end, partition) => end === 0n || committed[partition] === end);
}

/** Every record of a topic, read by a group of its own. */
export async function readTopic(kafka: KafkaServer, definitions: Definitions, topic: string): Promise<StreamRecord[]> {
  const ends = await kafka.endOffsets(topic);
  const wanted = Number(ends.reduce((sum, end) => sum + end, 0n));
  await using source = await openEventSource({ ...streamOf(definitions), groupId: `reader-of-${topic}` }, [topic]);
  const records: StreamRecord[] = [];
  const enough = new AbortController();
  if (wanted === 0) return [];
  const nothing = () => {};
  const consumer = {
    onAssigned: nothing,
    onLost: nothing,
    onRevoked: async () => {},
    onBatch: async ({ records: more }: { readonly records: readonly StreamRecord[] }) => {
      records.push(...more);
      if (records.length >= wanted) enough.abort();
    },
  };
  await source.consume(consumer, enough.signal);
  return records;
}

/** A record's header as text. */
export function headerOf(record: StreamRecord, name: string): string | undefined {
  const bytes = record.headers.get(name);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
}
