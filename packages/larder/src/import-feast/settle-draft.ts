import { isLarderError, type Problem, parseDefinitions } from "@larder/schema";
import type { DraftFile } from "./draft.ts";
import { type ImportNotes, named } from "./import-notes.ts";

/**
 * Takes out of the draft what Larder's own loader refuses, with its reasons, until it loads: what is written is a valid file, and what Feast allows
 * and Larder does not is known in one place.
 * @throws CONFIG_INVALID for what no leaving out can mend
 */
export function settleDraft(
  draft: DraftFile,
  textOf: (draft: DraftFile) => string,
  env: Readonly<Record<string, string | undefined>>,
  notes: ImportNotes,
): void {
  for (;;) {
    try {
      parseDefinitions(textOf(draft), { env });
      return;
    } catch (error) {
      if (!isLarderError(error, "CONFIG_INVALID") || !removeFaulty(draft, error.problems, notes)) throw error;
    }
  }
}

/** Something in the draft that can go, by its name in notes. */
type Removable =
  | { readonly subject: string; readonly list: unknown[]; readonly index: number }
  | {
      readonly subject: string;
      readonly owner: { source?: unknown; stream?: unknown };
      readonly key: "source" | "stream";
    };

/** Removes what the problems name; false where they name nothing that can go. */
function removeFaulty(draft: DraftFile, problems: readonly Problem[], notes: ImportNotes): boolean {
  const doomed = new Map<unknown[], Set<number>>();
  let removed = false;
  for (const { field, what } of problems) {
    const found = find(draft, field);
    if (found === undefined) continue;
    removed = true;
    notes.leftOut(found.subject, what);
    if ("owner" in found) delete found.owner[found.key];
    else doomed.set(found.list, (doomed.get(found.list) ?? new Set()).add(found.index));
  }
  for (const [list, indexes] of doomed) {
    list.splice(0, list.length, ...list.filter((_, index) => !indexes.has(index)));
  }
  return removed;
}

const PATH =
  /^(entities|feature_views|feature_services)\[(\d+)\](?:\.(features|source|stream)(?:\[(\d+)\](?:\.features\[(\d+)\])?)?)?/;

/** The smallest thing around a path that can go without what it stands in. */
function find(draft: DraftFile, field: string): Removable | undefined {
  const [, kind, first, part, second, third] = PATH.exec(field) ?? [];
  const [index, inner, innermost] = [first, second, third].map((text) => (text === undefined ? -1 : Number(text)));
  if (kind === "entities") return within(draft.entities, index, (each) => named("entity", each.name));
  if (kind === "feature_views") {
    const view = draft.feature_views[index ?? -1];
    if (view === undefined) return undefined;
    if (part === "source" || part === "stream") {
      if (view[part] === undefined) return undefined;
      return { subject: `${part} of ${named("feature view", view.name)}`, owner: view, key: part };
    }
    const feature = within(view.features, inner, (each) => named("feature", `${view.name}:${each.name}`));
    return feature ?? within(draft.feature_views, index, (each) => named("feature view", each.name));
  }
  const service = draft.feature_services[index ?? -1];
  if (kind !== "feature_services" || service === undefined) return undefined;
  const subject = named("feature service", service.name);
  const projection = service.features[inner ?? -1];
  return (
    within(
      projection?.features ?? [],
      innermost,
      (each) => `${named("feature", `${projection?.view}:${each}`)} of ${subject}`,
    ) ??
    within(service.features, inner, (each) => `${named("feature view", each.view)} in ${subject}`) ??
    within(draft.feature_services, index, () => subject)
  );
}

function within<T>(list: T[], index: number | undefined, subjectOf: (item: T) => string): Removable | undefined {
  const item = list[index ?? -1];
  return item === undefined ? undefined : { subject: subjectOf(item), list, index: index as number };
}
