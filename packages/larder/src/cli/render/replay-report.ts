import type { ReplayReport, StartPlan } from "@larder/materializer/stream";
import type { VerbResult } from "../verb.ts";
import { renderTable } from "./table.ts";

/** Where every partition stands and would begin. */
export function positionsResult({ groupId, members, partitions }: StartPlan): VerbResult {
  const bounded = partitions.some(({ until }) => until !== undefined);
  const rows = partitions.map(({ topic, partition, begin, end, committed, from, until }) => {
    const first = from > begin ? from : begin;
    const last = until ?? end;
    const left = last > first ? last - first : 0n;
    return { topic, partition, begin, end, committed: committed ?? null, from, until: until ?? null, offsets: left };
  });
  const columns = [
    "topic",
    "partition",
    "oldest",
    "end",
    "committed",
    "from",
    ...(bounded ? ["until"] : []),
    "to read",
  ];
  const lines = rows.map(({ topic, partition, begin, end, committed, from, until, offsets }) => [
    topic,
    partition,
    begin,
    end,
    committed ?? "-",
    from,
    ...(bounded ? [until] : []),
    offsets,
  ]);
  const who =
    members.length === 0
      ? `Group ${groupId} has no members: it can be moved.\n`
      : `Group ${groupId} has ${members.length} running members and can't be moved: ${members.map(({ id }) => id).join(", ")}.\n`;
  return { json: { group: groupId, members, partitions: rows }, text: renderTable(columns, lines) + who };
}

/** What a replay did. The exit code is 1 when records could not be used. */
export function replayResult(report: ReplayReport): VerbResult {
  const { groupId, resumed, partitions, quiet, views, deadLetters, unknownFields } = report;
  const read = partitions.reduce((sum, { from, until }) => sum + (until - from), 0n);
  const columns = ["view", "tenant", "applied", "duplicate", "stale", "expired", "merged", "refused"];
  const lines = views.map((view) => [
    view.view,
    view.tenant,
    view.applied,
    view.duplicate,
    view.stale,
    view.expired,
    view.merged,
    view.refused,
  ]);
  const letters = deadLetters.reduce((sum, { count }) => sum + count, 0);
  const notes = [
    `${read} offsets of ${partitions.length} partitions${resumed ? ", continued" : ""}`,
    ...(quiet.length === 0 ? [] : [`the last offsets of ${quiet.length} partitions hold no records`]),
    ...(letters === 0 ? [] : [`${letters} records went to the dead letters`]),
  ];
  return {
    json: {
      group: groupId,
      resumed,
      partitions,
      quiet,
      views,
      dead_letters: deadLetters,
      unknown_fields: unknownFields,
    },
    text: `${renderTable(columns, lines)}${notes.join("; ")}\n`,
    exitCode: letters === 0 ? 0 : 1,
  };
}
