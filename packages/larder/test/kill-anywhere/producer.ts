import { setTimeout as wait } from "node:timers/promises";
import type { KafkaServer, SeededRandom } from "@larder/testkit";
import { type Events, recordOf, TOPICS } from "./events.ts";
import type { History } from "./history.ts";

/** Sends events without end. */
export interface EventProducer {
  /** Resolves when the last are in their topics. */
  stop(): Promise<void>;
}

/** What it works with. */
export interface EventProducerParts {
  readonly kafka: KafkaServer;
  readonly random: SeededRandom;
  readonly events: Events;
  readonly history: History;
  readonly topicOf: (topic: (typeof TOPICS)[number]) => string;
}

const BATCH = 60;

export function startEventProducer({ kafka, random, events, history, topicOf }: EventProducerParts): EventProducer {
  const ending = new AbortController();
  const { signal } = ending;
  const producing = (async () => {
    while (!signal.aborted) {
      const batch = Array.from({ length: BATCH }, () => events.next());
      for (const fact of batch) history.sent(fact);
      for (const topic of TOPICS) {
        const records = batch.filter((fact) => fact.topic === topic).map(recordOf);
        // A broker that went away may have taken them or not: they are sent again until they are there.
        while (!(await isSent(kafka, topicOf(topic), records)));
      }
      await wait(random.integer(0, 30), undefined, { signal }).catch(() => {});
    }
  })();
  return {
    stop: async () => {
      ending.abort();
      await producing;
    },
  };
}

async function isSent(kafka: KafkaServer, topic: string, records: readonly ReturnType<typeof recordOf>[]) {
  try {
    await kafka.produce(topic, records);
    return true;
  } catch {
    return false;
  }
}
