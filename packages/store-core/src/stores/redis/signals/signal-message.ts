import type { Watermark } from "../../../signals/signals.ts";

/** Entity keys that one signal names, and characters of them: more are too many to name. */
const MAX_KEYS = 256;
const MAX_CHARACTERS = 16 * 1024;

/** The entity keys that a signal will name, while they are gathered. */
export class NamedKeys {
  #keys: Set<string> | undefined = new Set();
  #characters = 0;

  add(key: string): void {
    if (this.#keys === undefined || this.#keys.has(key)) return;
    this.#keys.add(key);
    this.#characters += key.length;
    if (this.#keys.size > MAX_KEYS || this.#characters > MAX_CHARACTERS) this.#keys = undefined;
  }

  addAll(others: NamedKeys): void {
    if (others.#keys === undefined) this.#keys = undefined;
    else for (const key of others.#keys) this.add(key);
  }

  /** As the message ends with them: `*` for too many, else a line each after an empty one. Keys are plain ASCII without line breaks. */
  get text(): string {
    return this.#keys === undefined ? "*" : ["", ...this.#keys].join("\n");
  }
}

/** What a message on a view's channel says. */
export type SignalMessage =
  | { readonly kind: "reset" }
  | {
      readonly kind: "moved";
      /** Sequence of the signal before; 0 for a first one. */
      readonly previous: number;
      readonly watermark: Watermark;
      readonly entityKeys: readonly string[] | undefined;
    };

export const RESET_MESSAGE = "reset";

/** Reads a message; undefined when it is none of ours. */
export function readSignalMessage(bytes: Buffer): SignalMessage | undefined {
  const text = bytes.toString("latin1");
  if (text === RESET_MESSAGE) return { kind: "reset" };
  const [previous, sequence, eventTime, writeTime, many, ...keys] = text.split("\n");
  const [before, ...times] = [previous, sequence, eventTime, writeTime].map((each) =>
    each ? Number(each) : Number.NaN,
  );
  const watermark = { sequence: times[0] as number, eventTime: times[1] as number, writeTime: times[2] as number };
  if (![before, ...times].every(Number.isSafeInteger) || (many !== "" && many !== "*")) return undefined;
  return { kind: "moved", previous: before as number, watermark, entityKeys: many === "*" ? undefined : keys };
}
