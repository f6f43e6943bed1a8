import type { MaterializeReport, RunRequest } from "@larder/materializer";
import { materializeResult } from "./render/materialize-report.ts";
import type { VerbContext, VerbResult } from "./verb.ts";

/** Runs a materialize with what the command line says, shows how far it is, and renders its report. */
export async function runMaterialize(
  context: VerbContext<object>,
  views: readonly string[] | undefined,
  run: (request: RunRequest) => Promise<MaterializeReport>,
): Promise<VerbResult> {
  const progress = context.progress("materialize");
  try {
    const report = await run({
      tenant: context.options.tenant,
      signal: context.signal,
      ...(views === undefined ? {} : { views }),
      onProgress: ({ view: what, ...at }) =>
        progress.update(at.phase === "search" ? { ...at, what } : { done: at.rows, total: at.total, what }),
    });
    return materializeResult(report, context.terminal.paint);
  } finally {
    progress.stop();
  }
}
