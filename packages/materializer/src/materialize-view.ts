import type { FeatureView, Problem } from "@larder/schema";
import type { MetaScope } from "@larder/store-core";
import type { LatestRowsChunk, UnusableRows } from "@larder/training-features";
import { applyChunk } from "./apply-chunk.ts";
import { Checkpoint, type CheckpointState } from "./checkpoint.ts";
import { latest, movePosition } from "./position.ts";
import { addCounts, MAX_SAMPLES, NO_COUNTS, type ViewReport } from "./report.ts";
import { withRetries } from "./retry.ts";
import { metaCall, type Run, type ViewPlan } from "./run.ts";

/** A view that is done, and the checkpoint that says so until the whole run is. */
export interface MaterializedView {
  readonly report: ViewReport;
  readonly checkpoint: Checkpoint;
  /** What the source's reader has to say. */
  readonly notice: string | undefined;
}

/** Large enough that a checkpoint costs little, small enough that a killed run repeats little and no decode holds the event loop long. */
const CHUNK_ROWS = 2_000;

const AT_THE_BEGINNING: CheckpointState = {
  after: undefined,
  done: false,
  counts: NO_COUNTS,
  samples: [],
  created: undefined,
};

/** Materializes one view, or what a former run left of it. */
export async function materializeView(run: Run, view: FeatureView, plan: ViewPlan): Promise<MaterializedView> {
  const { definitions, store, clock, request } = run;
  const { tenant, signal } = request;
  const { start, end } = plan.window;
  const now = clock.now();
  const scope: MetaScope = { project: definitions.project, tenant, view: view.name };
  const call = () => metaCall(request);
  const retrying = <T>(work: () => Promise<T>): Promise<T> => withRetries(work, signal, request.retryDelaysMs);

  const source = await run.source.fingerprintSource(definitions, view, tenant);
  const identity = { start, end, createdAfter: createdAfterOf(plan), definitions: definitions.hash, source };
  const checkpoint = await retrying(() => Checkpoint.open(store, scope, identity, call));
  let state = checkpoint.found ?? AT_THE_BEGINNING;
  let notice: string | undefined;
  if (!state.done) {
    for await (const chunk of chunksAfter(run, view, plan, state)) {
      state = await applied(run, view, state, chunk);
      notice = chunk.notice;
      const reached = state;
      await retrying(() => checkpoint.save(reached));
    }
    state = { ...state, done: true };
    const reached = state;
    await retrying(() => checkpoint.save(reached));
  }
  // Rows of the future cannot be in the files yet: the position stops at now, so that a later run looks for them.
  const covered = { start: plan.covered.start, end: Math.min(plan.covered.end, now) };
  // Nor can a created time be after now: one wrong clock must not hide every late row from then on.
  const created = state.created === undefined ? undefined : Math.min(state.created, now);
  const window = covered.start > covered.end ? undefined : covered;
  const ended = { window, created, at: clock.now() };
  const position = await retrying(() => movePosition(store, scope, ended, call()));
  const { counts, samples } = state;
  const report = {
    view: view.name,
    start,
    end,
    ...counts,
    samples,
    resumed: checkpoint.found !== undefined,
    position: position?.end,
  };
  return { report, checkpoint, notice };
}

async function* chunksAfter(
  { source, definitions, request }: Run,
  view: FeatureView,
  plan: ViewPlan,
  state: CheckpointState,
): AsyncGenerator<LatestRowsChunk> {
  const { tenant, chunkRows = CHUNK_ROWS, pace, signal, onProgress } = request;
  const chunks = source.readLatestRows({
    definitions,
    view,
    tenant,
    start: BigInt(plan.window.start),
    end: BigInt(plan.window.end),
    late: plan.late,
    chunkRows: Math.min(chunkRows, pace?.rowsAtOnce ?? chunkRows),
    after: state.after,
    signal,
    onProgress: (fraction) => onProgress?.({ view: view.name, phase: "search", fraction }),
  });
  let startedAt: number | undefined;
  for await (const chunk of chunks) {
    startedAt ??= performance.now();
    yield chunk;
    const seconds = (performance.now() - startedAt) / 1000;
    const rowsPerSecond = (chunk.done - state.counts.rows) / Math.max(seconds, 1e-6);
    onProgress?.({ view: view.name, phase: "write", rows: chunk.done, total: chunk.total, rowsPerSecond });
  }
}

/** Writes a chunk and answers the state after it. */
async function applied(
  { definitions, store, clock, request }: Run,
  view: FeatureView,
  state: CheckpointState,
  chunk: LatestRowsChunk,
): Promise<CheckpointState> {
  const { tenant, signal, retryDelaysMs, pace } = request;
  await pace?.take(chunk.rows.length, signal);
  const { counts, samples, created } = await applyChunk(
    { store, view, tenant, clock, signal, retryDelaysMs, onlineTtl: definitions.onlineTtl(view, tenant) },
    chunk.rows,
  );
  const { nullKeys, nullTimes } = chunk.unusable;
  const known = state.after === undefined ? unusableSamples(chunk.unusable) : state.samples;
  return {
    after: chunk.after,
    done: false,
    counts: { ...addCounts(state.counts, counts), nullKeys, nullTimes },
    samples: [...known, ...samples].slice(0, MAX_SAMPLES),
    created: latest(state.created, created),
  };
}

/** As a checkpoint keeps it. */
function createdAfterOf({ late }: ViewPlan): number | undefined {
  return late?.createdAfter === undefined ? undefined : Number(late.createdAfter);
}

/** Half of the list at most, so that refused rows are seen, too. */
function unusableSamples({ examples }: UnusableRows): readonly Problem[] {
  return examples.slice(0, MAX_SAMPLES / 2).map(({ file, row, lacks }) => ({
    place: `${file} row ${row}`,
    field: lacks,
    what: "is null, so the row belongs to no entity or no window",
    remedy: `Write the ${lacks}, or leave the row out`,
  }));
}
