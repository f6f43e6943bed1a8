import { setTimeout as wait } from "node:timers/promises";
import { type Definitions, findFeature, isLarderError, systemClock } from "@larder/schema";
import { createReadPlan, encodeEntityRows, type OnlineStore, openOnlineStore } from "@larder/store-core";
import type { KafkaServer } from "@larder/testkit";
import { CUSTOMERS, noteOf, ownerOf, TENANTS, VIEWS } from "./events.ts";
import type { History } from "./history.ts";

/** Reads every row and every committed offset, again and again, and has them judged. */
export interface Prober {
  /** Reads that were answered, and those that were not. */
  readonly counts: { answered: number; failed: number };
  stop(): Promise<void>;
}

const ALL = Array.from({ length: CUSTOMERS }, (_, index) => index + 1);
const FEATURES = VIEWS.flatMap((view) => [`${view}:n`, `${view}:note`]);
const PAUSE_MS = 10;
const OFFSETS_PAUSE_MS = 200;
const DEADLINE_MS = 1_000;

export async function startProber(
  definitions: Definitions,
  kafka: KafkaServer,
  group: string,
  topics: readonly string[],
  history: History,
): Promise<Prober> {
  const store = await openOnlineStore(definitions, { clock: systemClock });
  const counts = { answered: 0, failed: 0 };
  const ending = new AbortController();
  const again = async (look: () => Promise<void>) => {
    while (!ending.signal.aborted) {
      try {
        await look();
        counts.answered++;
      } catch (error) {
        // A store or a broker that is away is no answer; anything else is broken.
        counts.failed++;
        if (isLarderError(error) && !error.retryable) history.broken.push(String(error));
      }
      await wait(PAUSE_MS, undefined, { signal: ending.signal }).catch(() => {});
    }
  };
  const loops = Promise.all([
    again(() => readRows(store, definitions, history)),
    again(() => readOffsets(kafka, group, topics, history)),
  ]);
  return {
    counts,
    stop: async () => {
      ending.abort();
      await loops;
      await store.close();
    },
  };
}

/** As those who predict read it, and then as it is stored, deletions among it. */
async function readRows(store: OnlineStore, definitions: Definitions, history: History): Promise<void> {
  const plan = createReadPlan(
    definitions,
    FEATURES.map((name) => findFeature(definitions, name)),
    { fullFeatureNames: true },
  );
  const keys = encodeEntityRows(
    plan,
    ALL.map((customer) => ({ customer_id: customer })),
  );
  for (const tenant of TENANTS) {
    const batch = await store.read(plan, keys, { tenant, deadline: performance.now() + DEADLINE_MS });
    for (const [row, customer] of ALL.entries()) {
      for (const [view, name] of VIEWS.entries()) {
        const [n, note] = [batch.value(row, view * 2), batch.value(row, view * 2 + 1)];
        const owner = ownerOf(tenant, name, customer);
        if (n === null) history.absent(owner);
        else if (note !== noteOf(tenant, customer, Number(n))) history.broken.push(`${owner} holds ${n} and ${note}`);
        else history.found(owner, Number(n));
      }
    }
    for await (const { view, entityKey, row } of store.scan(
      { tenant },
      { tenant, deadline: performance.now() + DEADLINE_MS },
    )) {
      const owner = ownerOf(tenant, view, Number(entityKey));
      if (row?.createdTime === undefined) history.broken.push(`${owner} cannot be decoded, or has no created time`);
      else history.version(owner, { event: row.eventTime / 1_000, created: row.createdTime / 1_000 });
    }
  }
}

async function readOffsets(
  kafka: KafkaServer,
  group: string,
  topics: readonly string[],
  history: History,
): Promise<void> {
  for (const topic of topics) {
    for (const [partition, offset] of (await kafka.committed(group, topic)).entries()) {
      history.committed(`${topic}/${partition}`, offset);
    }
  }
  await wait(OFFSETS_PAUSE_MS);
}
