import type { RedisServer } from "@larder/testkit";
import { CUSTOMERS } from "./data.ts";
import { percentile } from "./measure.ts";
import { bodyOf, PATH, type Work } from "./peers.ts";
import { post } from "./server-process.ts";
import { OUTAGE_RATE, type Settings } from "./settings.ts";

/** How a server answered while Redis was away, and after. */
export interface Outage {
  readonly server: string;
  readonly kind: "hung" | "killed";
  /** Requests that were sent while Redis was away. */
  readonly sent: number;
  /** Of these, by what they got: `200`, `200 degraded`, another status, or `no answer`. */
  readonly answers: Readonly<Record<string, number>>;
  /** Of these, how many had their answer, whatever it was, within a second, and while Redis was still away. */
  readonly withinSecond: number;
  readonly whileAway: number;
  readonly p50: number;
  readonly slowest: number;
  /** From when Redis was back until the first undegraded 200 to a request that was sent after that; undefined where none came in time. */
  readonly backMs: number | undefined;
}

/** Stops or kills Redis under a server at 20 requests a second. Redis is well again when this ends, also where it fails. */
export async function sufferOutage(
  server: { readonly name: string; readonly port: number; readonly work: Work },
  redis: RedisServer,
  kind: Outage["kind"],
  settings: Settings["outage"],
): Promise<Outage> {
  const asked = startAsking(server.port, server.work, settings.backWithinMs);
  try {
    await pause(CALM_MS);
    const away = performance.now();
    await redis.kill(kind === "hung" ? "SIGSTOP" : "SIGKILL");
    try {
      await pause(kind === "hung" ? settings.hangMs : settings.downMs);
    } finally {
      await (kind === "hung" ? redis.kill("SIGCONT") : redis.restart());
    }
    const back = performance.now();
    const isBack = ({ at, outcome }: Asked) => at > back && outcome === "200";
    for (const end = back + settings.backWithinMs; performance.now() < end && !asked.done.some(isBack); )
      await pause(20);
    await asked.stop();
    const during = asked.done.filter(({ at }) => at >= away && at < back);
    const times = during.map(({ ms }) => ms).toSorted((a, b) => a - b);
    const ends = asked.done.filter(isBack).map(({ at, ms }) => at + ms - back);
    return {
      ...{ server: server.name, kind, sent: during.length },
      answers: Object.fromEntries(
        [...Map.groupBy(during, ({ outcome }) => outcome)].map(([key, all]) => [key, all.length]),
      ),
      withinSecond: during.filter(({ ms, outcome }) => ms <= 1_000 && outcome !== NO_ANSWER).length,
      whileAway: during.filter(({ at, ms, outcome }) => at + ms < back && outcome !== NO_ANSWER).length,
      p50: percentile(times, 0.5),
      slowest: times.at(-1) ?? Number.NaN,
      backMs: ends.length === 0 ? undefined : Math.min(...ends),
    };
  } finally {
    await asked.stop();
  }
}

const CALM_MS = 1_000;
const NO_ANSWER = "no answer";

interface Asked {
  readonly at: number;
  readonly ms: number;
  readonly outcome: string;
}

/** Asks for one customer after the other until it is stopped, and then waits for the answers. */
function startAsking(port: number, work: Work, patienceMs: number) {
  const done: Asked[] = [];
  const underWay = new Set<Promise<void>>();
  let turn = 0;
  const ask = async () => {
    const at = performance.now();
    const outcome = await answerOf(port, work, 1 + (turn++ % CUSTOMERS), patienceMs);
    done.push({ at, ms: performance.now() - at, outcome });
  };
  const timer = setInterval(() => {
    const asking = ask().finally(() => underWay.delete(asking));
    underWay.add(asking);
  }, 1_000 / OUTAGE_RATE);
  const stop = async () => {
    clearInterval(timer);
    await Promise.all(underWay);
  };
  return { done, stop };
}

async function answerOf(port: number, work: Work, customer: number, ms: number): Promise<string> {
  try {
    // Among few customers, so that whoever remembers some has them.
    const answer = await post(port, PATH[work], bodyOf(work, [1 + (customer % 10)]), ms);
    const text = await answer.text();
    if (answer.status !== 200) return String(answer.status);
    return /"degraded":\s*true/.test(text) ? "200 degraded" : "200";
  } catch {
    return NO_ANSWER;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
