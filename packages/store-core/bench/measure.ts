import { execFileSync } from "node:child_process";

/** One way to do the same work. `call` does it once. */
export interface Contender<Result = unknown> {
  readonly name: string;
  readonly call: (turn: number) => Promise<Result>;
}

/**
 * Figures of one contender, each that of its best tenth of rounds: whatever else the machine does only ever adds. Times are microseconds per call.
 */
export interface Figures {
  readonly name: string;
  /** One caller: median and 99th percentile of a call's time. The latter is a round's of few hundred calls: it tells large differences only. */
  readonly p50: number;
  readonly p99: number;
  /** Many callers at once: calls per second, and the CPU time that client and server spend on a call. */
  readonly callsPerSecond: number;
  readonly clientCpu: number;
  readonly serverCpu: number;
}

/** How to measure. */
export interface MeasureOptions {
  /** Many, so that some are not disturbed. */
  readonly rounds: number;
  /** Of one contender in one round and mode. */
  readonly milliseconds: number;
  readonly callers: number;
  /** CPU time the server has spent so far, in microseconds. */
  readonly serverCpu: () => Promise<number>;
}

/** A fifth of the rounds: whether a bench works, and whether something is off by far. */
const QUICK = process.env["LARDER_BENCH"] === "quick";

/**
 * Measures contenders side by side: in every round each gets its turn, in an order that changes from round to round, so that a slow moment of the
 * machine or a cold start hits all of them alike. The first tenth only warms up.
 */
export async function measure(contenders: readonly Contender[], options: MeasureOptions): Promise<Figures[]> {
  const rounds = new Map<string, Omit<Figures, "name">[]>(contenders.map(({ name }) => [name, []]));
  const total = QUICK ? Math.max(4, Math.round(options.rounds / 5)) : options.rounds;
  for (let round = 0; round < total; round++) {
    const shift = round % contenders.length;
    const turned = [...contenders.slice(shift), ...contenders.slice(0, shift)];
    for (const contender of round % 2 === 0 ? turned : turned.reverse()) {
      const figures = { ...(await oneCaller(contender, options)), ...(await manyCallers(contender, options)) };
      if (round >= total / 10) rounds.get(contender.name)?.push(figures);
    }
  }
  return contenders.map(({ name }) => {
    const all = rounds.get(name) ?? [];
    const best = (key: keyof Omit<Figures, "name">, share = 0.1) =>
      percentile(
        all.map((figures) => figures[key]),
        share,
      );
    return {
      name,
      p50: best("p50"),
      p99: best("p99"),
      callsPerSecond: best("callsPerSecond", 0.9),
      clientCpu: best("clientCpu"),
      serverCpu: best("serverCpu"),
    };
  });
}

/** Of util-linux. */
const TASKSET = "taskset";

/** Ties a process with all its threads to one core; false where that cannot be done. */
export function pin(pid: number, core: number): boolean {
  try {
    execFileSync(TASKSET, ["-apc", String(core), String(pid)], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

async function oneCaller({ call }: Contender, { milliseconds }: MeasureOptions): Promise<Pick<Figures, "p50" | "p99">> {
  const times: number[] = [];
  const end = performance.now() + milliseconds;
  for (let turn = 0, before = performance.now(); before < end; turn++) {
    await call(turn);
    const after = performance.now();
    times.push((after - before) * 1000);
    before = after;
  }
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

async function manyCallers(
  { call }: Contender,
  { milliseconds, callers, serverCpu }: MeasureOptions,
): Promise<Pick<Figures, "callsPerSecond" | "clientCpu" | "serverCpu">> {
  const serverBefore = await serverCpu();
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  const end = started + milliseconds;
  let calls = 0;
  const caller = async () => {
    while (performance.now() < end) await call(calls++);
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const elapsed = performance.now() - started;
  const { user, system } = process.cpuUsage(cpuBefore);
  const server = (await serverCpu()) - serverBefore;
  return { callsPerSecond: (calls / elapsed) * 1000, clientCpu: (user + system) / calls, serverCpu: server / calls };
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
