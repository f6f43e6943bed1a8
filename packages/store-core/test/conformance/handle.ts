import type { RowStore } from "../../src/row-store.ts";

/** What a handle does otherwise than the rows behind it. */
export interface HandleHooks {
  close(): Promise<void>;
  /** Throws to fail a call before it reaches the rows. */
  before?(): void;
}

/** One user's handle on rows that others use, too. */
export function handleOf(rows: RowStore, hooks: HandleHooks): RowStore {
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= hooks.close();
    return closing;
  };
  return replaced(rows, { close }, hooks.before);
}

/** An object like `target`, with some members of its own; `before` runs before each method that is not replaced. */
export function replaced<T extends object>(target: T, members: Partial<T>, before?: () => void): T {
  return new Proxy(target, {
    get(original, name) {
      if (Object.hasOwn(members, name)) return Reflect.get(members, name, members) as unknown;
      const member: unknown = Reflect.get(original, name, original);
      if (typeof member !== "function") return member;
      return (...args: unknown[]): unknown => {
        before?.();
        return Reflect.apply(member, original, args);
      };
    },
  });
}
