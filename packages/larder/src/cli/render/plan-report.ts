import { formatTime } from "@larder/schema";
import type { DefinitionsPlan } from "@larder/store-core";
import type { Paint } from "../terminal.ts";
import { renderTable } from "./table.ts";

/** A plan as one JSON value. */
export function planJson({ project, state, applied, hash, changes }: DefinitionsPlan): object {
  return {
    project,
    state,
    hash,
    applied: applied === undefined ? null : { hash: applied.hash, at: formatTime(applied.at) },
    counts: {
      breaking: changes.filter(({ kind }) => kind === "breaking").length,
      rematerialize: changes.filter(({ kind }) => kind === "rematerialize").length,
      safe: changes.filter(({ kind }) => kind === "safe").length,
    },
    changes,
  };
}

/** A plan for a reader: what is applied, then the changes as a table, the gravest first. */
export function planText({ state, applied, changes }: DefinitionsPlan, paint: Paint): string {
  if (applied === undefined) return "nothing was ever applied: `larder apply` records these definitions\n";
  const since = `applied ${formatTime(applied.at)}`;
  if (changes.length === 0) return `${paint.green("no changes")} since what was ${since}\n`;
  const note = state === "older" ? paint.yellow("these definitions were applied before, and others since\n") : "";
  const rows = changes.map(({ kind, path, what, remedy }) => [kind, path, what, remedy]);
  return `${note}changes to what was ${since}\n${renderTable(["kind", "path", "change", "what to do"], rows)}`;
}
