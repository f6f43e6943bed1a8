import type { RedisServer } from "@larder/testkit";
import { type Generator, isHeld, requestsOf, type Sample, startGenerator, type Target } from "./measure.ts";
import { type Outage, sufferOutage } from "./outage.ts";
import type { Peer, Work } from "./peers.ts";
import { memoryOf } from "./process-tree.ts";
import { RateSearch, type SearchResult } from "./rate-search.ts";
import { proveSameAnswers } from "./same-answers.ts";
import type { ServerProcess } from "./server-process.ts";
import { ROWS, type Rows, type Settings } from "./settings.ts";

/** One server doing one kind of work. */
export interface Job {
  readonly server: string;
  readonly work: Work;
  readonly rows: Rows;
}

/** What was found of a job. */
export interface JobFigures extends Job {
  readonly highest: SearchResult;
  /** All tries of the search. */
  readonly tries: readonly Sample[];
  /** Rounds at fixed rates. */
  readonly fixed: readonly Sample[];
}

/** What was found of a server apart from its work. */
export interface ServerFigures {
  readonly server: string;
  /** Of each start, until the first good answer. */
  readonly coldStartMs: readonly number[];
  /** After all the work, MiB. */
  readonly memory: number | undefined;
}

/** All that was found. */
export interface Figures {
  readonly jobs: readonly JobFigures[];
  readonly servers: readonly ServerFigures[];
  readonly outages: readonly Outage[];
  /** Values of answers that were compared, and equal. */
  readonly compared: Readonly<Record<Work, number>>;
  /** False where the time was over before all was measured. */
  readonly whole: boolean;
}

/**
 * Starts all peers and measures them in turns: a try or a round of one is followed by that of the next one, so that a slow moment of the machine
 * hits all alike. Servers are ended when `stack` is disposed of.
 */
export async function measureSideBySide(
  peers: readonly Peer[],
  redis: RedisServer,
  settings: Settings,
  stack: AsyncDisposableStack,
  print: (line: string) => void,
): Promise<Figures> {
  const running = new Map<string, ServerProcess>();
  const starts = new Map<string, number[]>(peers.map(({ name }) => [name, []]));
  for (const peer of peers) {
    print(`starting ${peer.name}`);
    const server = stack.use(await peer.start());
    running.set(peer.name, server);
    starts.get(peer.name)?.push(server.coldStartMs);
  }
  // From here, since how long Python takes to start says nothing about how long there is to measure.
  const end = performance.now() + settings.measureMs;
  const inTime = () => performance.now() < end;
  const serverOf = (name: string) => running.get(name) as ServerProcess;

  const compared = { lookup: 0, predict: 0 };
  for (const work of ["lookup", "predict"] as const) {
    const able = peers.filter((peer) => peer.measured && peer.work.includes(work));
    const answering = able.map(({ name }) => ({ name, port: serverOf(name).port }));
    compared[work] = await proveSameAnswers(work, answering);
    print(`${work}: ${able.length} servers answer alike (${compared[work]} values compared)`);
  }

  const generator = stack.use(await startGenerator());
  const jobs = jobsOf(peers).map((job) => {
    const { port, pid } = serverOf(job.server);
    return new Running(job, { port, pids: { server: pid, redis: redis.pid } }, generator, settings);
  });
  for (const job of jobs) await job.warmUp();
  for (
    let round = 1, left = jobs;
    left.length > 0 && inTime();
    round++, left = jobs.filter(({ searching }) => searching)
  ) {
    print(`highest rates, round ${round}: ${left.length} searches`);
    for (const job of inTurn(left, round)) await job.searchOn();
  }
  for (let round = 1; round <= settings.fixed.rounds && inTime(); round++) {
    print(`fixed rates, round ${round} of ${settings.fixed.rounds}`);
    for (const rates of [0, 1, 2]) for (const job of inTurn(jobs, round)) await job.atFixedRate(rates);
  }
  const memory = new Map(peers.map(({ name }) => [name, memoryOf(serverOf(name).pid)]));

  const outages: Outage[] = [];
  for (const kind of ["hung", "killed"] as const) {
    for (const { name, work } of peers.filter(({ inOutage }) => inOutage)) {
      if (!inTime()) continue;
      print(`Redis ${kind} under ${name}`);
      const asked = work.includes("predict") ? "predict" : "lookup";
      outages.push(await sufferOutage({ name, port: serverOf(name).port, work: asked }, redis, kind, settings.outage));
    }
  }

  // Last, with nobody else there, since servers that idle take some of the core, too.
  for (const server of running.values()) await server[Symbol.asyncDispose]();
  for (let start = 2; start <= settings.starts && inTime(); start++) {
    print(`cold starts, ${start} of ${settings.starts}`);
    for (const peer of inTurn(peers, start)) {
      await using again = await peer.start();
      starts.get(peer.name)?.push(again.coldStartMs);
    }
  }
  return {
    jobs: jobs.map((job) => job.figures),
    servers: peers.map(({ name, measured }) => ({
      server: name,
      coldStartMs: starts.get(name) ?? [],
      memory: measured ? memory.get(name) : undefined,
    })),
    ...{ outages, compared, whole: inTime() },
  };
}

/** Each round in the opposite order, so that nobody always comes after the same one. */
function inTurn<T>(all: readonly T[], round: number): readonly T[] {
  return round % 2 === 0 ? all.toReversed() : all;
}

/** Peers next to each other within a kind of work. */
function jobsOf(peers: readonly Peer[]): readonly Job[] {
  const measured = peers.filter((peer) => peer.measured);
  return (["lookup", "predict"] as const).flatMap((work) =>
    ROWS.flatMap((rows) =>
      measured.filter((peer) => peer.work.includes(work)).map(({ name }) => ({ server: name, work, rows })),
    ),
  );
}

class Running {
  readonly #job: Job;
  readonly #target: Target;
  readonly #generator: Generator;
  readonly #settings: Settings;
  readonly #requests: readonly Buffer[];
  readonly #search: RateSearch;
  readonly #tries: Sample[] = [];
  readonly #fixed: Sample[] = [];

  constructor(job: Job, target: Target, generator: Generator, settings: Settings) {
    this.#job = job;
    this.#target = target;
    this.#generator = generator;
    this.#settings = settings;
    this.#requests = requestsOf(job.work, job.rows);
    const { from, atMost, halvings, retries } = settings.search;
    this.#search = new RateSearch({ from: from[job.rows], atMost: atMost[job.rows], halvings, retries });
  }

  get searching(): boolean {
    return this.#search.next !== undefined;
  }

  get figures(): JobFigures {
    return { ...this.#job, highest: this.#search.result, tries: this.#tries, fixed: this.#fixed };
  }

  warmUp(): Promise<void> {
    return this.#generator.warmUp(this.#target.port, this.#requests, this.#settings.warmUpMs);
  }

  async searchOn(): Promise<void> {
    const rate = this.#search.next;
    if (rate === undefined) return;
    const { stepMs, leastRequests, longestStepMs } = this.#settings.search;
    const ms = Math.min(longestStepMs, Math.max(stepMs, (1_000 * leastRequests) / rate));
    const sample = await this.#generator.sampleAt(this.#target, this.#requests, rate, ms);
    this.#tries.push(sample);
    this.#search.tell(isHeld(sample));
  }

  /** Nothing where the server is known to be far from holding the rate, or there is none of this number. The lowest is always asked. */
  async atFixedRate(index: number): Promise<void> {
    const rate = this.#settings.fixed.rates[this.#job.rows][index];
    const { missed } = this.#search.result;
    if (rate === undefined || (index > 0 && missed !== undefined && rate > 2 * missed)) return;
    const ms = Math.max(this.#settings.fixed.roundMs, 10_000 / rate);
    this.#fixed.push(await this.#generator.sampleAt(this.#target, this.#requests, rate, ms));
  }
}
