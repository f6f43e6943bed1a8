import type { Outcome } from "../outcome.ts";

/** What all load tests are told. */
export interface CommandSettings {
  readonly store: string | undefined;
  readonly seconds: number | undefined;
  readonly rate: number | undefined;
  /** Every call of the store takes this much longer, in milliseconds. */
  readonly injectedMs: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** What came of a command: its outcomes are judged and written down by who called it. */
export interface CommandResult {
  readonly title: string;
  readonly outcomes: readonly Outcome[];
  readonly pinned: boolean;
  /** Printed before the verdict. */
  readonly text: string;
}
