import type { Definitions, Described } from "../definitions.ts";
import { hashMeaning, meaningText } from "../load/hash-definitions.ts";

/** Version of {@link DefinitionsDescription}. A reader refuses a newer one. */
export const DESCRIPTION_FORMAT = 1;

/** Definitions as plain data that can be kept and compared later, by another version of the file or another process. */
export interface DefinitionsDescription {
  readonly format: typeof DESCRIPTION_FORMAT;
  /** {@link Definitions.hash}: SHA-256 (hex) of `meaning`. */
  readonly hash: string;
  /** Canonical JSON of what the hash is taken over. */
  readonly meaning: string;
  /** Description, owner and tags as text by path (`feature_views.plans`), where a definition has any. They are no part of the hash. */
  readonly words: Readonly<Record<string, string>>;
}

/** Describes definitions; equal definitions have equal descriptions on every machine. */
export function describeDefinitions(definitions: Definitions): DefinitionsDescription {
  const meaning = meaningText(definitions);
  return { format: DESCRIPTION_FORMAT, hash: hashMeaning(meaning), meaning, words: wordsOf(definitions) };
}

/** Takes a value for a description if it is whole: `meaning` must have the hash that it is said to have. */
export function isDescription(value: unknown): value is DefinitionsDescription {
  if (typeof value !== "object" || value === null) return false;
  const { format, hash, meaning, words } = value as Partial<Record<keyof DefinitionsDescription, unknown>>;
  if (format !== DESCRIPTION_FORMAT || typeof meaning !== "string" || typeof words !== "object" || words === null) {
    return false;
  }
  return Object.values(words).every((text) => typeof text === "string") && hash === hashMeaning(meaning);
}

function wordsOf({ entities, views, services, models }: Definitions): Record<string, string> {
  const words: [string, string][] = [];
  const add = (path: string, { description, owner, tags }: Described): void => {
    const sorted = Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1));
    if (description !== "" || owner !== "" || sorted.length > 0) {
      words.push([path, JSON.stringify([description, owner, sorted])]);
    }
  };
  for (const entity of entities.values()) add(`entities.${entity.name}`, entity);
  for (const view of views.values()) {
    add(`feature_views.${view.name}`, view);
    for (const feature of view.features) add(`feature_views.${view.name}.${feature.name}`, feature);
  }
  for (const service of services.values()) add(`feature_services.${service.name}`, service);
  for (const model of models.values()) add(`models.${model.name}`, model);
  return Object.fromEntries(words);
}
