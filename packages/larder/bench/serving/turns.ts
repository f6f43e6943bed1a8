import { createHttpLoad, type FastAnswers, type HttpLoad, type Latencies, startPacer } from "@larder/testkit/load";
import type { Kind } from "./requests.ts";
import { type Contender, cpuOf, type World } from "./world.ts";

/** Longest warm-up of a server. */
const WARM_UP_MS = 5_000;

/** One server's requests as fast as they were answered. */
export interface Throughput {
  readonly kind: string;
  readonly server: string;
  /** Of each round. */
  readonly perSecond: readonly number[];
  /** Requests that were answered otherwise than 200, and count nowhere else. */
  readonly failures: number;
  /** Microseconds per request. `load` is the generator's own. */
  readonly cpu: { readonly server: number; readonly redis: number; readonly load: number };
}

/** One server's answers at a fixed rate. */
export interface AtRate {
  readonly kind: string;
  readonly server: string;
  readonly rate: number;
  readonly rounds: readonly Latencies[];
}

/** How long to measure: rounds, in each of which every server has a turn of so many milliseconds. */
export interface Rounds {
  readonly rounds: number;
  readonly milliseconds: number;
}

/** Measures the servers of a world in turns, so that a slow moment of the machine hits all alike. */
export interface Turns extends AsyncDisposable {
  /** Asks each server so many times, for at most some seconds, so that its code is compiled. */
  warmUp(kind: Kind, callers: number, answers: number): Promise<void>;
  /** @param callers requests under way at once */
  throughput(kind: Kind, callers: number, rounds: Rounds): Promise<readonly Throughput[]>;
  atRate(kind: Kind, rate: number, rounds: Rounds): Promise<readonly AtRate[]>;
}

/** Starts the load's own thread. */
export function startTurns({ floor, larder, redisPid }: World): Turns {
  const pacer = startPacer();
  const loads = new Map([floor, larder].map((server) => [server, createHttpLoad(server.port, pacer)]));

  /** Everybody's turns; Larder's alone where the floor has no such route. */
  async function inTurn({ byFloor }: Kind, rounds: number, run: (server: Contender, load: HttpLoad) => Promise<void>) {
    const servers = byFloor ? [floor, larder] : [larder];
    for (let round = 0; round < rounds; round++) {
      for (const server of round % 2 === 0 ? servers : servers.toReversed()) {
        await run(server, loads.get(server) as HttpLoad);
      }
    }
    return servers;
  }

  return {
    async warmUp(kind, callers, answers) {
      await inTurn(kind, 1, async (_, load) => {
        const end = performance.now() + WARM_UP_MS;
        for (let done = 0; done < answers && performance.now() < end; ) {
          done += (await load.asFastAsAnswered(kind.requests, callers, 100)).answers;
        }
      });
    },
    async throughput(kind, callers, { rounds, milliseconds }) {
      const found = new Map([floor, larder].map((server) => [server, new Sums()]));
      const servers = await inTurn(kind, rounds, async (server, load) => {
        const cpu = () => [cpuOf(server.pid), cpuOf(redisPid), cpuOf(process.pid)] as const;
        const before = cpu();
        const { answers, failures, seconds } = await load.asFastAsAnswered(kind.requests, callers, milliseconds);
        found.get(server)?.add({ answers, failures, seconds }, before, cpu());
      });
      return servers.map((server) => ({
        kind: kind.name,
        server: server.name,
        ...(found.get(server) as Sums).figures(),
      }));
    },
    async atRate(kind, rate, { rounds, milliseconds }) {
      const found = new Map([floor, larder].map((server) => [server, [] as Latencies[]]));
      const servers = await inTurn(kind, rounds, async (server, load) => {
        found.get(server)?.push(await load.atRate(kind.requests, rate, milliseconds));
      });
      return servers.map((server) => ({ kind: kind.name, server: server.name, rate, rounds: found.get(server) ?? [] }));
    },
    [Symbol.asyncDispose]: () => pacer[Symbol.asyncDispose](),
  };
}

type Cpu = readonly [server: number, redis: number, load: number];

class Sums {
  readonly #perSecond: number[] = [];
  #answers = 0;
  #failures = 0;
  #cpu: Cpu = [0, 0, 0];

  add({ answers, failures, seconds }: FastAnswers, before: Cpu, after: Cpu): void {
    this.#perSecond.push(answers / seconds);
    this.#answers += answers;
    this.#failures += failures;
    const [server, redis, load] = this.#cpu;
    this.#cpu = [server + after[0] - before[0], redis + after[1] - before[1], load + after[2] - before[2]];
  }

  figures(): Pick<Throughput, "perSecond" | "failures" | "cpu"> {
    const [server, redis, load] = this.#cpu;
    const each = this.#answers;
    return {
      perSecond: this.#perSecond,
      failures: this.#failures,
      cpu: { server: server / each, redis: redis / each, load: load / each },
    };
  }
}
