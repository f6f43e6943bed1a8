/**
 * What a change asks for. `safe`: old and new processes work side by side, nothing else is to be done. `rematerialize`: answers have holes until
 * rows are written again. `breaking`: somebody who relied on the old definitions gets other answers or none.
 */
export type ChangeKind = "safe" | "rematerialize" | "breaking";

/** One difference between two states of the definitions. */
export interface DefinitionChange {
  readonly kind: ChangeKind;
  /** What changed, as in `feature_views.plans.price`. */
  readonly path: string;
  /** What is different, as a fact without a final stop. */
  readonly what: string;
  /** What to do about it, or why nothing, without a final stop. */
  readonly remedy: string;
}

const ORDER: readonly ChangeKind[] = ["breaking", "rematerialize", "safe"];

/** Collects changes, and hands them out with the gravest first. */
export class ChangeList {
  readonly #changes: DefinitionChange[] = [];

  add(kind: ChangeKind, path: string, what: string, remedy: string): void {
    this.#changes.push({ kind, path, what, remedy });
  }

  sorted(): readonly DefinitionChange[] {
    return this.#changes.toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
  }
}

/** Two states of one kind of definition, name by name. */
export function matchByName<T>(
  before: readonly (readonly [string, T])[],
  after: readonly (readonly [string, T])[],
): {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly both: readonly [string, T, T][];
} {
  const old = new Map(before);
  const now = new Map(after);
  return {
    added: [...now.keys()].filter((name) => !old.has(name)),
    removed: [...old.keys()].filter((name) => !now.has(name)),
    both: [...old].flatMap(([name, value]): [string, T, T][] => {
      const other = now.get(name);
      return other === undefined ? [] : [[name, value, other]];
    }),
  };
}
