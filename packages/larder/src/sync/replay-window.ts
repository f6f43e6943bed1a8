import {
  openEventSource,
  openStreamAdmin,
  planStart,
  planWindow,
  type ReplayReport,
  type ReplayRequest,
  replay,
  type StartPlan,
  type StartPosition,
  streamOf,
  topicsOf,
} from "@larder/materializer/stream";
import type { LarderError } from "@larder/schema";
import { Lifecycle } from "../lifecycle.ts";
import { loadStreamDefinitions, openSync, refuseMissingTopics, type SyncWish, syncLogger } from "./open-sync.ts";

/**
 * Reads a window of the topics that feature views name into the online store, beside the sync of the same topics; see {@link replay}.
 * @throws what {@link openSync} and {@link replay} throw
 */
export async function replayWindow(
  wish: SyncWish & Pick<ReplayRequest, "from" | "until" | "onProgress">,
): Promise<ReplayReport> {
  const definitions = await loadStreamDefinitions(wish);
  const logger = syncLogger();
  const lifecycle = new Lifecycle({
    onProblem: (problem: LarderError) => logger.error({ code: problem.code }, problem.message),
  });
  try {
    const opened = await openSync(definitions, lifecycle, logger, wish);
    const { stream, topics } = opened;
    const openSource = (groupId: string) => openEventSource({ ...stream, groupId }, topics);
    return await replay({ ...opened, openSource }, wish);
  } finally {
    await lifecycle.close();
  }
}

/** What `--from`, and `--until`, would do: every partition with where it stands. Changes nothing. @throws see {@link planWindow} */
export async function positionsOf(
  wish: Pick<SyncWish, "file" | "env"> & {
    readonly from: StartPosition;
    readonly until: StartPosition | undefined;
  },
): Promise<StartPlan> {
  const definitions = await loadStreamDefinitions(wish);
  const stream = streamOf(definitions);
  const topics = topicsOf(definitions);
  const { from, until } = wish;
  await using admin = await openStreamAdmin(stream);
  await refuseMissingTopics(admin, topics);
  const request = { groupId: stream.groupId, topics, from };
  return until === undefined ? await planStart(admin, request) : await planWindow(admin, { ...request, until });
}
