import type { ViewMemory } from "./row-memory.ts";

/** Keys noted per view; beyond, the whole view counts as spoiled. */
const MAX_KEYS = 1_000;

/**
 * What was invalidated while reads were under way: a read that began before must not bring back the row of before. Remembers nothing while no read is
 * under way.
 */
export class Spoilage {
  #turn = 0;
  #reads = 0;
  readonly #views = new Map<ViewMemory, { whole: number; readonly keys: Map<string, number> }>();

  /** Rises with every invalidation. */
  get now(): number {
    return this.#turn;
  }

  /** A read begins; answers its mark. Each has its `end`. */
  begin(): number {
    this.#reads++;
    return this.#turn;
  }

  end(): void {
    this.#reads--;
    if (this.#reads === 0) this.#views.clear();
  }

  /** A row, or without a key every row of the view, may be another than before. */
  spoil(memory: ViewMemory, key: string | undefined): void {
    this.#turn++;
    if (this.#reads === 0) return;
    const view = this.#views.get(memory) ?? { whole: 0, keys: new Map<string, number>() };
    this.#views.set(memory, view);
    if (key !== undefined && view.keys.size < MAX_KEYS) {
      view.keys.set(key, this.#turn);
    } else {
      view.whole = this.#turn;
      view.keys.clear();
    }
  }

  /** Whether a row was invalidated after a read began. */
  since(mark: number, memory: ViewMemory, key: string): boolean {
    const view = this.#views.get(memory);
    return view !== undefined && (view.whole > mark || (view.keys.get(key) ?? 0) > mark);
  }
}
