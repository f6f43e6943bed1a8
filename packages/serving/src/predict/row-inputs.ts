import {
  Fault,
  type FeatureValue,
  featureDecoder,
  LarderError,
  type RequestFeature,
  type ValueDecoder,
} from "@larder/schema";
import { featureName } from "../model/bind-inputs.ts";
import type { LoadedModel } from "../model/load-model.ts";

/** The member of an entity row that holds values to use instead of stored ones, by `view:feature`. */
const OVERRIDES = "overrides";

type EntityRow = Readonly<Record<string, unknown>>;

/** What the rows of a request bring beside their join keys, checked. */
export interface RowInputs {
  /** One list per request feature of the model, in the yaml's order; one value per row. */
  readonly request: readonly (readonly FeatureValue[])[];
  /** By {@link cellOf}: values to use instead of what the store has; null stands for a missing value. */
  readonly overrides: ReadonlyMap<number, FeatureValue>;
}

/** The number of a cell of a batch: row by row, columns of the model's plan. */
export function cellOf(row: number, column: number, { plan }: Pick<LoadedModel, "plan">): number {
  return row * plan.columns.length + column;
}

/**
 * Reads what rows bring beside their join keys, which have been checked before.
 * @throws INVALID_REQUEST naming row and member: a request feature that is missing or of another type, an override of what is no feature of
 * the model or of another type, a member that is nothing of this
 */
export type RowInputsReader = (rows: readonly EntityRow[]) => RowInputs;

/** Compiles the reader of a model. */
export function compileRowInputs(model: LoadedModel): RowInputsReader {
  const { columns, joinKeys } = model.plan;
  const requested = model.definition.requestFeatures.map((feature) => ({
    feature,
    decode: featureDecoder(feature.type),
  }));
  const overridable = new Map(
    columns.map(({ ref }, column) => [featureName(ref), { column, decode: featureDecoder(ref.feature.type) }]),
  );
  const known = [...joinKeys.map(({ name }) => name), ...requested.map(({ feature }) => feature.name), OVERRIDES];

  return (rows) => {
    const request = requested.map(() => new Array<FeatureValue>(rows.length));
    let overrides: Map<number, FeatureValue> | undefined;
    for (let row = 0; row < rows.length; row++) {
      const entity = rows[row] as EntityRow;
      let read = joinKeys.length;
      for (let i = 0; i < requested.length; i++) {
        const { feature, decode } = requested[i] as (typeof requested)[number];
        const value = entity[feature.name];
        if (value !== undefined) read++;
        (request[i] as FeatureValue[])[row] = requestValue(feature, decode, value, row);
      }
      const given = entity[OVERRIDES];
      if (given !== undefined) {
        read++;
        overrides ??= new Map();
        for (const [name, value] of Object.entries(overridesOf(given, row))) {
          const target = overridable.get(name);
          if (target === undefined) throw notOverridable(name, row, overridable.keys());
          const decoded = target.decode(value);
          if (decoded instanceof Fault) throw wrongValue(`${OVERRIDES}.${name}`, `Override of "${name}"`, row, decoded);
          overrides.set(cellOf(row, target.column, model), decoded);
        }
      }
      if (Object.keys(entity).length !== read) throw unknownMember(entity, row, known);
    }
    return { request, overrides: overrides ?? NO_OVERRIDES };
  };
}

const NO_OVERRIDES: ReadonlyMap<number, FeatureValue> = new Map();

/** null is refused: a request feature has no rule for missing values but its default. */
function requestValue(
  feature: RequestFeature,
  decode: ValueDecoder<FeatureValue>,
  value: unknown,
  row: number,
): FeatureValue {
  const { name, type } = feature;
  if (value === undefined) {
    if (feature.default !== undefined) return feature.default;
    throw new LarderError("INVALID_REQUEST", {
      what: `Request feature "${name}" is missing in entity row ${row}`,
      remedy: `Give a ${type} with every row, or declare a default`,
      facts: { field: name, row },
    });
  }
  const decoded =
    value === null ? new Fault("is null", `Give a ${type}, or leave it out for its default`) : decode(value);
  if (decoded instanceof Fault) throw wrongValue(name, `Request feature "${name}"`, row, decoded);
  return decoded;
}

function overridesOf(given: unknown, row: number): EntityRow {
  if (typeof given === "object" && given !== null && !Array.isArray(given)) return given as EntityRow;
  const fault = new Fault("is not an object", 'Write {"view:feature": value}');
  throw wrongValue(OVERRIDES, `"${OVERRIDES}"`, row, fault);
}

function notOverridable(name: string, row: number, known: Iterable<string>): LarderError {
  return new LarderError("INVALID_REQUEST", {
    what: `Entity row ${row} overrides "${clip(name)}", which this model does not read`,
    remedy: `Override one of: ${listed(known)}`,
    facts: { field: `${OVERRIDES}.${clip(name)}`, row },
  });
}

function wrongValue(field: string, subject: string, row: number, { what, remedy }: Fault): LarderError {
  return new LarderError("INVALID_REQUEST", {
    what: `${subject} of entity row ${row} ${what}`,
    remedy,
    facts: { field, row },
  });
}

/** A name that is nothing of this is a mistake of the caller, such as a wrong key beside a right one; a dropped one would hide it. */
function unknownMember(entity: EntityRow, row: number, known: readonly string[]): LarderError {
  const unknown = clip(Object.keys(entity).find((name) => !known.includes(name)) ?? "");
  return new LarderError("INVALID_REQUEST", {
    what: `Entity row ${row} has "${unknown}", which is no join key or request feature of this model`,
    remedy: `Give only ${known.join(", ")}`,
    facts: { field: unknown, row },
  });
}

function listed(names: Iterable<string>): string {
  const all = [...names];
  return all.length > 25 ? `${all.slice(0, 25).join(", ")} and ${all.length - 25} more` : all.join(", ");
}

function clip(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}…` : name;
}
