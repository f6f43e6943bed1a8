import { parentPort, workerData } from "node:worker_threads";

/** What the thread is told, in milliseconds on the line of `process.hrtime`. It answers each tick with whether more will come. */
export interface Pace {
  readonly start: number;
  readonly interval: number;
  readonly count: number;
}

// Node's timers know whole milliseconds; this wait knows 0.05. So it is done here, where it keeps nobody from reading answers.
const never = new Int32Array(new SharedArrayBuffer(4));
const stopped: Int32Array = workerData;

parentPort?.on("message", ({ start, interval, count }: Pace) => {
  for (let next = 0; next < count && Atomics.load(stopped, 0) === 0; ) {
    const left = start + next * interval - Number(process.hrtime.bigint()) / 1e6;
    if (left > 0) Atomics.wait(never, 0, 0, left);
    next = Math.max(next + 1, Math.ceil((Number(process.hrtime.bigint()) / 1e6 - start) / interval));
    parentPort?.postMessage(next < count);
  }
});
