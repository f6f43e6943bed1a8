import { type Definitions, type FeatureView, findTenant, findView, LarderError } from "@larder/schema";
import type { Checkpoint } from "./checkpoint.ts";
import { materializeView } from "./materialize-view.ts";
import { addCounts, type MaterializeReport, NO_COUNTS, type ViewReport } from "./report.ts";
import { aborted } from "./retry.ts";
import type { MaterializeParts, Run, RunRequest, ViewPlan } from "./run.ts";
import { ttlWarnings } from "./ttl-warnings.ts";

/**
 * Materializes view by view, after all of them are planned, so that a request that is wrong for one view writes nothing.
 * @throws what {@link materialize} throws, and what `plan` throws
 */
export async function runViews(
  parts: MaterializeParts,
  request: RunRequest,
  plan: (run: Run, view: FeatureView) => ViewPlan | Promise<ViewPlan>,
): Promise<MaterializeReport> {
  const { definitions } = parts;
  const { name: tenant } = findTenant(definitions, request.tenant);
  const views = viewsOf(definitions, request.views);
  const run: Run = {
    ...parts,
    source: parts.source ?? (await import("@larder/training-features")),
    request: { ...request, tenant },
  };
  const reports: ViewReport[] = [];
  const notices = new Set<string>();
  const checkpoints: Checkpoint[] = [];
  try {
    const plans: ViewPlan[] = [];
    for (const view of views) plans.push(await plan(run, view));
    for (const [index, view] of views.entries()) {
      const { report, checkpoint, notice } = await materializeView(run, view, plans[index]!);
      if (notice !== undefined) notices.add(notice);
      reports.push(report);
      checkpoints.push(checkpoint);
    }
    // Only now: until the last view is done, a run that continues must not do the first ones again.
    for (const checkpoint of checkpoints) await checkpoint.remove();
  } catch (error) {
    if (request.signal?.aborted) throw aborted(request.signal);
    throw error;
  }
  return {
    project: definitions.project,
    tenant,
    start: Math.min(...reports.map(({ start }) => start)),
    end: Math.max(...reports.map(({ end }) => end)),
    views: reports,
    totals: reports.reduce(addCounts, NO_COUNTS),
    warnings: [...notices, ...ttlWarnings(definitions, tenant, reports)],
  };
}

function viewsOf(definitions: Definitions, names: readonly string[] | undefined): readonly FeatureView[] {
  if (names === undefined) {
    const views = [...definitions.views.values()].filter(({ source }) => source !== undefined);
    if (views.length > 0) return views;
    throw noSource("No feature view has a batch source");
  }
  return [...new Set(names)].map((name) => {
    const view = findView(definitions, name);
    if (view.source === undefined) throw noSource(`Feature view "${name}" has no batch source`);
    return view;
  });
}

function noSource(what: string): LarderError {
  return new LarderError("SOURCE_NOT_FOUND", {
    what,
    remedy: "Give the view a source with the path of its Parquet files, or push its rows",
    facts: { field: "views" },
  });
}
