/** Why a value is refused: `what` goes on after its field's name ("is 1.5, not a whole number"), `remedy` is an imperative sentence. */
export class Fault {
  readonly what: string;
  readonly remedy: string;

  constructor(what: string, remedy: string) {
    this.what = what;
    this.remedy = remedy;
  }
}

/** A value for a message: short, whatever it is. */
export function show(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(clip(value));
    case "number":
    case "bigint":
      return clip(String(value));
    case "boolean":
      return String(value);
    case "undefined":
      return "missing";
    case "object":
      if (value === null) return "null";
      if (Array.isArray(value)) return "a list";
      if (value instanceof Date) return "a Date";
      return value instanceof Uint8Array ? "bytes" : "an object";
    default:
      return `a ${typeof value}`;
  }
}

/** The beginning of a text: messages must not grow with what callers send. */
export function clip(text: string, length = 60): string {
  return text.length > length ? `${text.slice(0, length).toWellFormed()}…` : text;
}
