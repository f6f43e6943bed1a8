import type { MaterializeReport, RunRequest } from "@larder/materializer";
import { rateOption } from "./rate-option.ts";
import { materializeResult } from "./render/materialize-report.ts";
import type { VerbContext, VerbResult } from "./verb.ts";

/** The options that every materialize has. */
export interface MaterializeOptions {
  readonly view?: readonly string[];
  readonly maxRowsPerSecond?: string;
}

/** Runs a materialize with what the command line says, shows how far it is, and renders its report. */
export async function runMaterialize(
  context: VerbContext<MaterializeOptions>,
  run: (request: RunRequest) => Promise<MaterializeReport>,
): Promise<VerbResult> {
  const { view: views, maxRowsPerSecond } = context.options;
  const rate = rateOption("--max-rows-per-second", maxRowsPerSecond);
  const { createPace } = await import("@larder/materializer");
  const progress = context.progress("materialize");
  try {
    const report = await run({
      tenant: context.options.tenant,
      signal: context.signal,
      ...(views === undefined ? {} : { views }),
      ...(rate === undefined ? {} : { pace: createPace(rate) }),
      onProgress: ({ view: what, ...at }) =>
        progress.update(
          at.phase === "search"
            ? { ...at, what }
            : { done: at.rows, total: at.total, rowsPerSecond: at.rowsPerSecond, what },
        ),
    });
    return materializeResult(report, context.terminal.paint);
  } finally {
    progress.stop();
  }
}
