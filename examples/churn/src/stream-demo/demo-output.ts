import type { Talk } from "../quickstart/terminal.ts";
import type { Features } from "../telco.ts";

/** How the demo tells what it sees: to somebody who watches, or as JSON lines. */
export interface DemoOutput {
  /** Broker, sync and server run. */
  ready(where: {
    readonly brokers: readonly string[];
    readonly topics: readonly string[];
    readonly url: string;
    readonly sync: string;
  }): void;
  /** A customer came by the stream, and has a prediction. */
  known(customer: { readonly customer: number; readonly probability: number }): void;
  /** Something happened, and the prediction is another. `ms` from before the event was sent until the answer. */
  happened(change: {
    readonly customer: number;
    readonly what: string;
    readonly features: Features;
    readonly before: number;
    readonly after: number;
    readonly ms: number;
  }): void;
  /** All that the demo started has ended. */
  ending(interrupted: boolean): void;
}

/** One line of JSON each. */
export function jsonOutput(write: (line: string) => void): DemoOutput {
  const kinds = ["ready", "known", "happened"] as const;
  const told = kinds.map((kind) => [kind, (facts: object) => write(JSON.stringify({ kind, ...facts }))]);
  return {
    ...(Object.fromEntries(told) as Pick<DemoOutput, (typeof kinds)[number]>),
    ending: (interrupted) => write(JSON.stringify({ kind: "ending", interrupted })),
  };
}

/** A line for each event, under a head. */
export function textOutput(talk: Talk): DemoOutput {
  let start = 0;
  let events = 0;
  const line = (customer: number, what: string, probability: string, seen: string): void => {
    const seconds = ((performance.now() - start) / 1_000).toFixed(1).padStart(6);
    talk.line(
      `${seconds} s  ${String(customer).padStart(8)}  ${what.padEnd(30)}  ${probability.padStart(18)}  ${seen.padStart(8)}`,
    );
  };
  return {
    ready({ brokers, topics, url, sync }) {
      start = performance.now();
      talk.line(`\n${talk.bold("Events through Kafka, and what the model makes of them")}\n`);
      talk.line(`  Kafka  ${brokers.join(", ")}  ${topics.join(", ")}`);
      talk.line(`  sync   ${sync}/status\n  serve  ${url}/predict\n`);
      talk.line(talk.bold(`    time  customer  ${"what happens".padEnd(30)}  ${"P(churn)".padStart(18)}  seen after`));
    },
    known: ({ customer, probability }) => line(customer, "signs up", probability.toFixed(4), ""),
    happened({ customer, what, before, after, ms }) {
      events++;
      line(customer, what, `${before.toFixed(4)} -> ${after.toFixed(4)}`, `${ms.toFixed(0)} ms`);
    },
    ending: () =>
      talk.line(`\n  ${events} events, ${events} predictions that changed. Broker, sync and server are stopped.`),
  };
}
