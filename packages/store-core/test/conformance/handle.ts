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
  return new Proxy(rows, {
    get(target, name) {
      if (name === "close") return close;
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]): unknown => {
        hooks.before?.();
        return Reflect.apply(member, target, args);
      };
    },
  });
}
