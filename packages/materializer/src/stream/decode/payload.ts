/** The fields of a message by name. */
export type Fields = Readonly<Record<string, unknown>>;

/** What a format reads from a record's value. */
export interface Payload {
  /** The message's fields; of a deletion those of the row that went, undefined where the record does not have them. */
  readonly fields: Fields | undefined;
  readonly deleted: boolean;
  /** What surrounds the fields in a change event. */
  readonly envelope: Fields | undefined;
  /** Fields that the message holds and its schema does not name. */
  readonly unnamed: number;
}

/** A point in time that a format's own type says exactly: it needs no unit. `raw` is the number that stands for it in the message. */
export class Instant {
  readonly micros: bigint;
  readonly raw: number | bigint;

  constructor(micros: bigint, raw: number | bigint) {
    this.micros = micros;
    this.raw = raw;
  }
}

/** A value of a type that none of Larder's holds exactly; `what` names it. */
export class Unheld {
  readonly what: string;

  constructor(what: string) {
    this.what = what;
  }
}

/** An integer as JavaScript holds it exactly: a number within 2^53, a bigint beyond. A bigint would be taken for microseconds where a time is due. */
export function exactInteger(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** True for what can have fields. */
export function isFields(value: unknown): value is Fields {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array) &&
    !(value instanceof Instant) &&
    !(value instanceof Unheld)
  );
}
