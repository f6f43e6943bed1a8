import { Worker } from "node:worker_threads";
import type { Pace } from "./pacer-thread.ts";

/** Calls back at even times far below a millisecond apart. */
export interface Pacer extends AsyncDisposable {
  /**
   * Calls `tick` for `milliseconds`, `rate` times a second or, where this process was busy, fewer times: whoever is called does all that is due.
   * Resolves with the last one.
   */
  run(
    pace: { readonly start: number; readonly rate: number; readonly milliseconds: number },
    tick: () => void,
  ): Promise<void>;
}

/** Milliseconds on a line that all threads share. */
export function clockMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Starts its thread. */
export function startPacer(): Pacer {
  const stopped = new Int32Array(new SharedArrayBuffer(4));
  const file = import.meta.url.endsWith(".ts") ? "./pacer-thread.ts" : "./pacer-thread.js";
  const thread = new Worker(new URL(file, import.meta.url), { workerData: stopped });
  return {
    run: ({ start, rate, milliseconds }, tick) =>
      new Promise((resolve) => {
        const onTick = (more: boolean) => {
          tick();
          if (more) return;
          thread.off("message", onTick);
          resolve();
        };
        thread.on("message", onTick);
        const interval = 1000 / rate;
        thread.postMessage({ start, interval, count: Math.ceil(milliseconds / interval) } satisfies Pace);
      }),
    [Symbol.asyncDispose]: async () => {
      Atomics.store(stopped, 0, 1);
      await thread.terminate();
    },
  };
}
