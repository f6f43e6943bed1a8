import type { Letter, LetterList, LetterReplayReport, PurgeReport } from "@larder/materializer/stream";
import { formatTime } from "@larder/schema";
import { renderTable } from "./table.ts";

/** A letter without what its record says: only why and where. */
export function letterJson({ at, reason }: Letter): object {
  return {
    topic: at.topic,
    partition: at.partition,
    offset: at.offset,
    code: reason?.code ?? null,
    field: reason?.field ?? null,
    message: reason?.message ?? null,
    view: reason?.view ?? null,
    tenant: reason?.tenant ?? null,
    source: reason?.source ?? null,
    timestamp: reason === undefined ? null : formatTime(reason.timestamp * 1_000),
    refused_at: reason === undefined ? null : formatTime(reason.refusedAt * 1_000),
    attempt: reason?.attempt ?? null,
    schema_id: reason?.schemaId ?? null,
    value_bytes: reason?.valueBytes ?? null,
  };
}

export function listJson({ count, groups, letters }: LetterList): object {
  return {
    count,
    groups: groups.map(({ topic, source = null, code = null, view = null, count: ofGroup, first, last, attempts }) => ({
      topic,
      source,
      code,
      view,
      count: ofGroup,
      first: first === undefined ? null : formatTime(first),
      last: last === undefined ? null : formatTime(last),
      attempts,
    })),
    letters: letters.map(letterJson),
  };
}

export function listText({ count, groups, letters }: LetterList): string {
  if (count === 0) return "no dead letters\n";
  const counts = renderTable(
    ["source topic", "code", "view", "letters", "first", "last", "attempts"],
    groups.map(({ source, code, view, count: ofGroup, first, last, attempts }) => [
      source ?? "(no dead letter)",
      code ?? "",
      view ?? "",
      ofGroup,
      first === undefined ? "" : formatTime(first),
      last === undefined ? "" : formatTime(last),
      attempts,
    ]),
  );
  if (letters.length === 0) return counts;
  const rows = letters.map(({ at, reason }) => [
    at.topic,
    at.partition,
    at.offset,
    reason?.code ?? "",
    reason?.field ?? "",
    reason?.message ?? "",
  ]);
  return `${counts}\n${renderTable(["topic", "partition", "offset", "code", "field", "message"], rows)}`;
}

/** What the record itself says, for those who asked for it. Bytes that are no text are base64. */
export function recordJson({ record }: Letter): object {
  return {
    key: record.key === null ? null : bytesText(record.key),
    value: record.value === null ? null : bytesText(record.value),
    headers: Object.fromEntries([...record.headers].map(([name, bytes]) => [name, bytesText(bytes)])),
  };
}

/** One letter, a fact a line. */
export function letterText(letter: Letter, withPayload: boolean): string {
  const facts: Readonly<Record<string, unknown>> = {
    ...letterJson(letter),
    source: letter.reason === undefined ? null : sourceText(letter.reason.source),
    headers: [...letter.record.headers.keys()].join(", "),
    key_bytes: letter.record.key?.byteLength ?? null,
    bytes: letter.record.value?.byteLength ?? null,
    ...(withPayload ? recordJson(letter) : {}),
  };
  const shown = Object.entries(facts).filter(([, fact]) => fact !== null && fact !== "");
  return renderTable(
    ["fact", "is"],
    shown.map(([name, fact]) => [name, typeof fact === "bigint" ? String(fact) : fact]),
  );
}

export function replayJson(report: LetterReplayReport): object {
  const { dryRun, sent, refusedStill, withoutValue, foreign, unread, before, complete } = report;
  return {
    dry_run: dryRun,
    sent,
    refused_still: refusedStill ?? null,
    passed: { without_value: withoutValue, foreign, unread },
    before,
    complete,
  };
}

export function replayText(report: LetterReplayReport): string {
  const { dryRun, sent, refusedStill, withoutValue, foreign, unread, before, complete } = report;
  const lines = [
    `${dryRun ? "would send" : "sent"} ${sent} letter${sent === 1 ? "" : "s"} back to where they came from${complete ? "" : "; --limit ended it, the next run goes on"}`,
    ...(refusedStill === undefined ? [] : [`${refusedStill} of them would be refused again by these definitions`]),
    ...(before === 0 ? [] : [`${before} before them were passed by earlier runs with these filters`]),
    ...(withoutValue === 0
      ? []
      : [
          `${withoutValue} not sent: the value was too large for the dead-letter topic; it is still where it came from`,
        ]),
    ...(foreign === 0 ? [] : [`${foreign} not sent: not put there by larder sync`]),
    ...(unread === 0 ? [] : [`${unread} not sent: no view reads their topic`]),
  ];
  return `${lines.join("\n")}\n`;
}

export function purgeJson({ dryRun, deleted, kept, positions }: PurgeReport): object {
  return { dry_run: dryRun, deleted, kept, positions };
}

export function purgeText({ dryRun, deleted, kept, positions }: PurgeReport): string {
  const what = `${dryRun ? "would delete" : "deleted"} ${deleted} letter${deleted === 1 ? "" : "s"}`;
  const places = positions.map(
    ({ topic, partition, offset }) => `  ${topic} partition ${partition}: up to offset ${offset - 1n}`,
  );
  const rest =
    kept === 0 ? [] : [`${kept} more are meant and stay: Kafka deletes from the oldest on, and others are before them`];
  return `${[what, ...places, ...rest].join("\n")}\n`;
}

function sourceText({ topic, partition, offset }: Letter["at"]): string {
  return `${topic} partition ${partition} offset ${offset}`;
}

function bytesText(bytes: Uint8Array): string | { readonly base64: string } {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return { base64: Buffer.from(bytes).toString("base64") };
  }
}
