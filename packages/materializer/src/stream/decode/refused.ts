import type { ErrorCode } from "@larder/schema";

/** Why a record, or a part of it, cannot be taken: a value, not an error, since bad records are nothing exceptional. Says nothing of its values. */
export class Refused {
  readonly code: ErrorCode;
  /** The field, or the part of the record: `value`, `key`, `header:NAME`. */
  readonly field: string;
  /** Goes on after the field's name. */
  readonly what: string;
  readonly remedy: string;

  constructor(code: ErrorCode, field: string, what: string, remedy: string) {
    this.code = code;
    this.field = field;
    this.what = what;
    this.remedy = remedy;
  }
}

/** The bytes are not what the format says. */
export function unreadable(field: string, what: string, remedy: string): Refused {
  return new Refused("RECORD_UNREADABLE", field, what, remedy);
}

/** The bytes can be read, and what they say is no row. */
export function invalid(field: string, what: string, remedy: string): Refused {
  return new Refused("RECORD_INVALID", field, what, remedy);
}
