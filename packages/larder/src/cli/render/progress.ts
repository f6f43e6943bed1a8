import type { Terminal } from "../terminal.ts";

/** How far long work has come: in rows (`total` undefined while it is not known), or as a share of 1. */
export type ProgressState = (
  | {
      readonly done: number;
      readonly total?: number | undefined;
      /** Where the work knows it better than `done` and the clock: a run that goes on has not done all of it since its start. */
      readonly rowsPerSecond?: number;
    }
  | { readonly fraction: number }
) & {
  /** What is being worked on, for example a view's name. */
  readonly what?: string | undefined;
};

/** Shows progress until it is stopped. */
export interface Progress {
  update(state: ProgressState): void;
  /** Removes the bar; nothing is shown after it. */
  stop(): void;
}

/** A bar is redrawn at most this often, a plain line written at most this often; in milliseconds. */
const BAR_EVERY = 100;
const LINE_EVERY = 3_000;
/** A smaller share of work says nothing about how long the rest takes. */
const LEAST_TOLD_BY = 0.05;

/** A bar on a terminal, otherwise a plain line every few seconds; always on stderr. Work that ends sooner shows nothing but a bar. */
export function createProgress(
  label: string,
  terminal: Terminal,
  now: () => number = () => performance.now(),
): Progress {
  const start = now();
  const width = terminal.width;
  let last = start;
  let drawn = false;
  let stopped = false;
  return {
    update(state) {
      const at = now();
      if (stopped || at - last < (width === undefined ? LINE_EVERY : BAR_EVERY)) return;
      last = at;
      drawn = true;
      const line = describe(label, state, (at - start) / 1000);
      terminal.talk(width === undefined ? `${line}\n` : `\r\u001b[2K${bar(state, line).slice(0, width - 1)}`);
    },
    stop() {
      if (!stopped && drawn && width !== undefined) terminal.talk("\r\u001b[2K");
      stopped = true;
    },
  };
}

function describe(label: string, state: ProgressState, seconds: number): string {
  const subject = state.what === undefined ? label : `${label} ${state.what}`;
  if ("fraction" in state) {
    const { fraction } = state;
    const left = fraction < LEAST_TOLD_BY ? "" : `, ${Math.ceil((seconds * (1 - fraction)) / fraction)} s left`;
    return `${subject}: ${Math.round(100 * fraction)} %${left}`;
  }
  const { done, total } = state;
  const rate = state.rowsPerSecond ?? (seconds > 0 ? done / seconds : 0);
  const left = total !== undefined && rate > 0 ? `, ${Math.ceil(Math.max(0, total - done) / rate)} s left` : "";
  const of = total === undefined ? "" : ` of ${count(total)}`;
  return `${subject}: ${count(done)}${of} rows, ${count(Math.round(rate))}/s${left}`;
}

function bar(state: ProgressState, line: string): string {
  const share =
    "fraction" in state ? state.fraction : state.total === undefined ? Number.NaN : state.done / state.total;
  if (!Number.isFinite(share)) return line;
  const filled = Math.round(20 * Math.min(1, share));
  return `[${"#".repeat(filled)}${"-".repeat(20 - filled)}] ${line}`;
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}
