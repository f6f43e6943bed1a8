/** What an import did with something that it could not carry over as it is. */
export interface ImportNote {
  /** `left_out`: the file does not have it. `changed`: the file has it, and something about it is not as in Feast. */
  readonly kind: "left_out" | "changed";
  /** The thing in Feast's words: `on-demand feature view "x"`. */
  readonly subject: string;
  /** Why, and what to do where there is something to do. */
  readonly reason: string;
}

/** Gathers what an import has to say. */
export class ImportNotes {
  readonly #notes = new Map<string, ImportNote>();

  get all(): readonly ImportNote[] {
    return [...this.#notes.values()];
  }

  leftOut(subject: string, reason: string): void {
    this.#add({ kind: "left_out", subject, reason });
  }

  changed(subject: string, reason: string): void {
    this.#add({ kind: "changed", subject, reason });
  }

  /** Views may share a source, and say the same of it. */
  #add(note: ImportNote): void {
    this.#notes.set(JSON.stringify(note), note);
  }
}

/** A kind of thing and its name, as notes have it. */
export function named(kind: string, name: string): string {
  return `${kind} ${JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name)}`;
}
