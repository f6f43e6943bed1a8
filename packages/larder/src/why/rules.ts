import { type Feature, type FeatureRow, type FeatureView, formatDuration, formatTime } from "@larder/schema";
import { ageText } from "../age-text.ts";
import { type CommandSubject, materializeCommand, resetCommand, whyCommand } from "./commands.ts";
import type { Evidence } from "./evidence.ts";
import { goneAt, isDeletion, type SourceView } from "./order.ts";
import { agoText, positionText, rowText, timesText, valueText } from "./row-text.ts";
import type { Verdict } from "./verdict.ts";

/** What a verdict is made from. */
export interface Case {
  readonly evidence: Evidence;
  readonly view: FeatureView;
  readonly feature: Feature;
  readonly tenant: string;
  readonly entity: Readonly<Record<string, unknown>>;
  readonly file: string | undefined;
}

/** What a rule found. */
export interface Finding {
  readonly what: string;
  readonly remedy: string;
  readonly commands?: readonly string[];
}

/** A case, with what the source has sorted by what becomes of it. */
export interface Seen extends Case {
  readonly seen: SourceView;
}

type Rule = (seen: Seen) => Finding | undefined;

/** The rules by what they look for. `never_written` is what is left when none holds. */
export const RULES: Readonly<Record<Exclude<Verdict, "never_written">, Rule>> = {
  undecodable: (facts) => {
    const { stored } = facts.evidence;
    if (stored.kind !== "unreadable" || stored.fault !== "broken") return undefined;
    return { what: "The stored row's bytes are no whole row", ...writeAgain(facts) };
  },

  dated_ahead: ({ view, feature, seen, evidence: { now, life } }) => {
    const row = seen.ahead.at(-1);
    if (row === undefined) return undefined;
    const due = formatTime(row.eventTime - life.maxFuture);
    return {
      what: `The source has ${rowText(view, feature, row)}, ${ageText(row.eventTime - now)} ahead of now; rows further ahead than ${formatDuration(life.maxFuture)} (max_future of ${view.name}) are refused`,
      remedy: `Correct the clock or time zone of whoever wrote the row, or materialize it from ${due} on`,
    };
  },

  refused: ({ seen }) => {
    const [first] = seen.refused;
    if (first === undefined) return undefined;
    return {
      what: `The source has a newer row that no write takes: ${first}`,
      remedy: "Correct the row in the source, and materialize it",
    };
  },

  erased: ({ evidence: { erasure, stored, now }, view, feature, seen }) => {
    if (erasure.kind !== "erased" || seen.candidate !== undefined) return undefined;
    if (stored.kind !== "none" && seen.keptAway === undefined) return undefined;
    const row = seen.keptAway === undefined ? "" : `, such as ${rowText(view, feature, seen.keptAway)} in the source`;
    const at = formatTime(erasure.at);
    return {
      what: `The entity was erased up to ${at} (${agoText(erasure.at, now)}): rows of that event time or an earlier one are kept away${row}`,
      remedy: `Write a row with an event time after ${at} to ${view.name} if the entity is back`,
    };
  },

  over_quota: (facts) => {
    const { evidence, view, feature, tenant, seen } = facts;
    const { quota, stored } = evidence;
    if (quota.kind !== "usage" || !quota.usage.refused) return undefined;
    const waiting = waitingRow(facts);
    const nothing = stored.kind === "none" && seen.candidate === undefined && seen.keptAway === undefined;
    if (waiting === undefined && !nothing) return undefined;
    const { bytes, maxBytes = 0, measuredAt } = quota.usage;
    const what =
      waiting === undefined
        ? "no row of this entity is stored"
        : `${rowText(view, feature, waiting)} in the source waits`;
    return {
      what: `Tenant ${tenant} took ${bytes} bytes at ${formatTime(measuredAt)}, over its max_bytes of ${maxBytes}, so its writes are refused with QUOTA_EXCEEDED; ${what}`,
      remedy: `Delete rows of the tenant, shorten its TTLs, or raise tenants.${tenant}.max_bytes; then ${waiting === undefined ? "push" : "materialize"} the row again`,
    };
  },

  not_materialized: (facts) => {
    const { evidence, view, feature } = facts;
    const candidate = waitingRow(facts);
    if (candidate === undefined) return undefined;
    return {
      what: `The source has ${rowText(view, feature, candidate)}, which the store has not: ${positionText(evidence, candidate)}`,
      remedy: "Materialize it",
      commands: [materializeCommand(evidence, candidate, subject(facts))],
    };
  },

  tombstoned: ({ evidence: { stored, now }, view, seen }) => {
    const here = stored.kind === "row" && isDeletion(stored.row) ? stored.row : undefined;
    const there = stored.kind === "none" && seen.candidate !== undefined && isDeletion(seen.candidate);
    const row = here ?? (there ? seen.candidate : undefined);
    if (row === undefined) return undefined;
    return {
      what: `It was deleted by the ${here === undefined ? "source's newest" : "stored"} row of ${timesText(row, now)}`,
      remedy: `Write a row of a later event time to ${view.name} if the entity is back`,
    };
  },

  expired: ({ evidence, view, seen }) => {
    const { stored, life, now } = evidence;
    const here = stored.kind === "row" ? stored.row : undefined;
    const row = here ?? seen.candidate;
    if (row === undefined || isDeletion(row) || life.ttl === undefined || now <= row.eventTime + life.ttl)
      return undefined;
    const ended = row.eventTime + life.ttl;
    const gone = goneAt(evidence, row);
    return {
      what: `The ${here === undefined ? "source's newest" : "stored"} row of ${timesText(row, now)} expired at ${formatTime(ended)}, ${ageText(now - ended)} ago: its TTL is ${formatDuration(life.ttl)} (${life.ttlKey})`,
      remedy:
        gone < now
          ? `Write a newer row to ${view.name}, or raise ${life.ttlKey} and materialize again`
          : `Write a newer row to ${view.name}, or raise ${life.ttlKey}; until ${formatTime(gone)} a read with allow_stale still answers the value`,
    };
  },

  other_schema: (facts) => {
    const { evidence, view, feature, seen } = facts;
    const { stored } = evidence;
    if (stored.kind === "none") return undefined;
    if (stored.kind === "unreadable") {
      const what = UNREADABLE[stored.fault];
      return what === undefined ? undefined : { what: `The stored row ${what}`, ...writeAgain(facts) };
    }
    const written = `The stored row of ${timesText(stored.row, evidence.now)}`;
    if (stored.retyped.includes(feature.name)) {
      return {
        what: `${written} was written when ${feature.name} had another type than ${feature.type}`,
        ...writeAgain(facts),
      };
    }
    if (!stored.lacking.includes(feature.name)) return undefined;
    const again = seen.rival?.relation === "older" ? undefined : seen.rival?.row;
    return {
      what: `${written} was written before ${feature.name} was added to ${view.name}`,
      remedy: again === undefined ? `Write a newer row to ${view.name}` : "Materialize the row again",
      ...(again === undefined ? {} : { commands: [materializeCommand(evidence, again, subject(facts))] }),
    };
  },

  absent: ({ evidence: { stored, now }, feature, view }) => {
    if (stored.kind !== "row" || stored.row.values === undefined) return undefined;
    if (stored.row.values[feature.index] !== undefined) return undefined;
    if (stored.retyped.includes(feature.name) || stored.lacking.includes(feature.name)) return undefined;
    return {
      what: `The stored row of ${timesText(stored.row, now)} came without ${feature.name}, which partial_rows: absent of ${view.name} allows; a row replaces the one before as a whole`,
      remedy: `Write a newer row to ${view.name} that has ${feature.name}`,
    };
  },

  null: ({ evidence: { stored, now }, feature, view }) => {
    if (stored.kind !== "row" || stored.row.values?.[feature.index] !== null) return undefined;
    return {
      what: `The stored row of ${timesText(stored.row, now)} says null`,
      remedy: `Write a row of a later event time to ${view.name} if there is a value`,
    };
  },

  beaten: ({ evidence: { stored, now, createdTime }, feature, view, seen }) => {
    if (stored.kind !== "row" || seen.rival === undefined || seen.candidate !== undefined) return undefined;
    const { row, relation } = seen.rival;
    // A row of other features never equals one of these, and no bytes have decided between them.
    const comparable = stored.retyped.length + stored.lacking.length === 0;
    if (relation === "same" || (relation === "tie" && !comparable)) return undefined;
    const tie = createdTime
      ? "has the same times, and the greater bytes win"
      : "has the same event time, and this store keeps the first one written";
    const why = relation === "tie" ? tie : "is newer";
    return {
      what: `The source's newest row is ${rowText(view, feature, row)}; the stored one of ${timesText(stored.row, now)} ${why}`,
      remedy: "If the source is right, write its row with a later event time (or created time)",
    };
  },

  present: ({ evidence, view, feature }) => {
    const { stored, life, now } = evidence;
    if (stored.kind !== "row" || (stored.row.values?.[feature.index] ?? null) === null) return undefined;
    const left = life.ttl === undefined ? undefined : stored.row.eventTime + life.ttl - now;
    if (left !== undefined && left < 0) return undefined;
    const until =
      left === undefined
        ? "it has no TTL"
        : `its TTL of ${life.ttl === undefined ? "" : formatDuration(life.ttl)} ends in ${ageText(left)}`;
    return {
      what: `The stored row of ${timesText(stored.row, now)} says ${valueText(view, feature.name, stored.row)}; ${until}`,
      remedy: "",
    };
  },

  another_tenant: (facts) => {
    const { evidence, view, feature, tenant } = facts;
    const { otherTenants, tenantsNotLookedAt: unseen } = evidence;
    const [first] = otherTenants;
    if (first === undefined) return undefined;
    const names = otherTenants.map((one) => one.tenant).join(", ");
    const others = unseen === 0 ? "" : `; ${unseen} more tenants were not looked at`;
    return {
      what: `Tenant ${tenant} has no row of this entity; tenant${otherTenants.length === 1 ? "" : "s"} ${names} ha${otherTenants.length === 1 ? "s" : "ve"} one${others}`,
      remedy: "Read with the tenant that is meant, or write the row for this one",
      commands: [whyCommand(`${view.name}:${feature.name}`, { ...subject(facts), tenant: first.tenant })],
    };
  },
};

/** The newest row of the source that the store has not, where a write of it would change the answer. */
function waitingRow({ evidence, seen: { candidate } }: Seen): FeatureRow | undefined {
  const changes = evidence.stored.kind === "row" || candidate?.values !== undefined;
  if (candidate === undefined || evidence.stored.kind === "unreadable" || !changes) return undefined;
  return goneAt(evidence, candidate) < evidence.now ? undefined : candidate;
}

const UNREADABLE: Readonly<Partial<Record<string, string>>> = {
  unknown_schema: "names a schema that the store does not have",
  other_entity: "was written for other join keys",
};

/** The verdict where nothing else holds. */
export function neverWritten({ evidence: { source, tenantsNotLookedAt: unseen }, view }: Seen): Finding {
  const asked =
    source.kind === "rows" ? "the source has none" : `the source says nothing (${source.code}: ${source.what})`;
  const push = view.source === undefined || source.kind === "rows" ? "" : `${source.remedy}, or `;
  const write =
    view.source === undefined || source.kind !== "rows" ? "" : ", or write one to its source and materialize it";
  const others = unseen === 0 ? "" : `; whether another tenant has one was not looked at for ${unseen} tenants`;
  return {
    what: `No row of this entity is stored, and ${asked}: it was never written, was removed, or went with the end of its life${others}`,
    remedy: `${push}${push === "" ? "Push" : "push"} a row to ${view.name}${write}`,
  };
}

/** What to do about a row that is in the way: a newer one replaces it, others only once it is gone. */
function writeAgain(facts: Seen): Pick<Finding, "remedy" | "commands"> {
  const { evidence, view, seen } = facts;
  const row = seen.candidate ?? seen.newest;
  if (row === undefined || goneAt(evidence, row) < evidence.now) return { remedy: `Write a newer row to ${view.name}` };
  return {
    remedy: "Remove the stored row, and materialize the source's again",
    commands: [resetCommand(subject(facts)), materializeCommand(evidence, row, subject(facts))],
  };
}

function subject({ view, tenant, entity, file }: Case): CommandSubject {
  return { view: view.name, tenant, entity, file };
}
