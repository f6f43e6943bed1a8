/** Why a value is refused: `what` goes on after its field's name ("is 1.5, not a whole number"), `remedy` is an imperative sentence. */
export class Fault {
  readonly what: string;
  readonly remedy: string;
  /** `what` without the value ("is a number, not a whole number"), for places that must hold no data of persons. */
  readonly plain: string;

  constructor(what: string, remedy: string, plain: string = what) {
    this.what = what;
    this.remedy = remedy;
    this.plain = plain;
  }
}

/** The fault of a value that is not as it should be: `why` follows the value, or the kind of value, and a comma. */
export function unfit(value: unknown, why: string, remedy: string): Fault {
  return new Fault(`is ${show(value)}, ${why}`, remedy, `is ${kindOfValue(value)}, ${why}`);
}

function kindOfValue(value: unknown): string {
  switch (typeof value) {
    case "string":
      return "text";
    case "number":
    case "bigint":
      return "a number";
    case "boolean":
      return "true or false";
    default:
      return show(value);
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
