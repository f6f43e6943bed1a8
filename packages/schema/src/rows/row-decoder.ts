import type { FeatureView } from "../definitions.ts";
import type { Problem } from "../errors.ts";
import { Fault } from "../fault.ts";
import { payloadColumn } from "../record-field.ts";
import type { DecodedRow, RowDecoder } from "../row.ts";
import type { FeatureValue, KeyValue } from "../value-type.ts";
import { type Column, namesOf, readColumn } from "./column.ts";
import { timeDecoder } from "./decode-time.ts";
import { featureDecoder, keyDecoder, type ValueDecoder } from "./decode-value.ts";

/** Options of {@link compileRowDecoder}. */
export interface RowDecoderOptions {
  /** Problems quote the value at fault. Default true; false where they are kept with records or in logs. */
  readonly quote?: boolean;
}

/** The parts of a view that say what its rows look like. */
export type RowShape = Pick<FeatureView, "joinKeys" | "features" | "source" | "stream" | "partialRows" | "timeUnit">;

/** Names under which every view takes its times, whatever its source calls them (Feast's clients send these). */
export const EVENT_TIME_NAME = "event_timestamp";
export const CREATED_TIME_NAME = "created";

type Row = Readonly<Record<string, unknown>>;

/** Compiles a view's {@link RowDecoder}: one closure per column; nothing looks at types or names per row. */
export function compileRowDecoder(view: RowShape, options: RowDecoderOptions = {}): RowDecoder {
  return new CompiledRowDecoder(view, options.quote ?? true);
}

class CompiledRowDecoder implements RowDecoder {
  readonly #keys: readonly Column<KeyValue>[];
  readonly #features: readonly Column<FeatureValue>[];
  readonly #eventTime: Column<number | null>;
  readonly #createdTime: Column<number | null>;
  readonly #tombstone: string | undefined;
  readonly #absentAllowed: boolean;
  readonly #quote: boolean;
  readonly #known: ReadonlySet<string>;

  constructor(view: RowShape, quote: boolean) {
    this.#quote = quote;
    const mapping = view.source?.fieldMapping ?? new Map<string, string>();
    const column = <T>(name: string, decode: ValueDecoder<T>): Column<T> => ({
      name,
      names: namesOf([name], mapping),
      decode,
    });
    const time = orNull(timeDecoder(view.timeUnit));
    const timeColumn = (literal: string, declared: readonly (string | undefined)[]): Column<number | null> => {
      const names = [...new Set([...declared.filter((name) => name !== undefined), literal])];
      return { name: names[0] ?? literal, names: namesOf(names, mapping), decode: time, nullIsAbsent: true };
    };
    this.#keys = view.joinKeys.map((key) => column(key.name, keyDecoder(key.type)));
    this.#features = view.features.map((feature) => column(feature.name, featureDecoder(feature.type)));
    this.#eventTime = timeColumn(EVENT_TIME_NAME, [view.source?.timestampField, payloadColumn(view.stream?.eventTime)]);
    this.#createdTime = timeColumn(CREATED_TIME_NAME, [
      view.source?.createdTimestampColumn,
      payloadColumn(view.stream?.createdTime),
    ]);
    this.#tombstone = view.source?.tombstoneColumn;
    this.#absentAllowed = view.partialRows === "absent";
    const columns = [...this.#keys, ...this.#features, this.#eventTime, this.#createdTime];
    const others = [this.#tombstone, view.source?.tenantColumn].filter((name) => name !== undefined);
    this.#known = new Set([...columns.flatMap(({ names }) => names), ...others]);
  }

  decode(record: Row, place: string): DecodedRow {
    const flag = this.#tombstone === undefined ? undefined : record[this.#tombstone];
    if (flag === true) return this.decodeTombstone(record, place);
    const problems: Problem[] = [];
    if (flag !== undefined && flag !== null && flag !== false) {
      this.#report(
        problems,
        place,
        this.#tombstone ?? "",
        new Fault("is not true or false", "Send true for a deletion"),
      );
    }
    const values: (FeatureValue | undefined)[] = new Array(this.#features.length);
    for (let i = 0; i < this.#features.length; i++) {
      const column = this.#features[i]!;
      const value = readColumn(record, column);
      if (value instanceof Fault) this.#report(problems, place, column.name, value);
      else if (value === undefined && !this.#absentAllowed)
        this.#report(problems, place, column.name, missing(column.name));
      else values[i] = value;
    }
    return this.#finish(record, place, values, problems);
  }

  decodeTombstone(record: Row, place: string): DecodedRow {
    return this.#finish(record, place, undefined, []);
  }

  unknownColumns(columns: readonly string[]): readonly string[] {
    return columns.filter((name) => !this.#known.has(name));
  }

  missingColumns(columns: readonly string[], options: { readonly tombstone?: boolean } = {}): readonly string[] {
    const given = new Set(columns);
    const features = options.tombstone === true || this.#absentAllowed ? [] : this.#features;
    const needed = [...this.#keys, this.#eventTime, ...features];
    return needed.filter(({ names }) => !names.some((name) => given.has(name))).map(({ name }) => name);
  }

  /** Join keys and times, which rows and tombstones share. */
  #finish(
    record: Row,
    place: string,
    values: readonly (FeatureValue | undefined)[] | undefined,
    problems: Problem[],
  ): DecodedRow {
    const entityKey: KeyValue[] = new Array(this.#keys.length);
    for (let i = 0; i < this.#keys.length; i++) {
      const column = this.#keys[i]!;
      const value = readColumn(record, column);
      if (value instanceof Fault) this.#report(problems, place, column.name, value);
      else if (value === undefined) this.#report(problems, place, column.name, missing(column.name));
      else entityKey[i] = value;
    }
    const eventTime = readColumn(record, this.#eventTime);
    if (eventTime instanceof Fault) this.#report(problems, place, this.#eventTime.name, eventTime);
    else if (eventTime === undefined)
      this.#report(problems, place, this.#eventTime.name, missing(this.#eventTime.name));
    else if (eventTime === null) this.#report(problems, place, this.#eventTime.name, noEventTime());
    const createdTime = readColumn(record, this.#createdTime);
    if (createdTime instanceof Fault) this.#report(problems, place, this.#createdTime.name, createdTime);
    if (problems.length > 0 || typeof eventTime !== "number" || createdTime instanceof Fault) {
      return { ok: false, problems };
    }
    return { ok: true, row: { entityKey, eventTime, createdTime: createdTime ?? undefined, values } };
  }

  #report(problems: Problem[], place: string, field: string, fault: Fault): void {
    problems.push({ place, field, what: this.#quote ? fault.what : fault.plain, remedy: fault.remedy });
  }
}

function missing(name: string): Fault {
  return new Fault("is missing", `Send the column "${name}" with every row`);
}

function noEventTime(): Fault {
  return new Fault("is null", "Send the time at which the row became true: every row needs an event time");
}

function orNull(decoder: ValueDecoder<number>): ValueDecoder<number | null> {
  return (value) => (value === null ? null : decoder(value));
}
