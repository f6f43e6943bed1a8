import type { ValueType } from "@larder/schema";

/**
 * Types of what JSON has no form for: int64, unix_timestamp, bytes and lists of them. `larder codegen --client` writes it; what is not in it is as
 * JSON has it.
 */
export interface ValueTypes {
  /** By `view:feature`. */
  readonly features: Readonly<Record<string, ValueType>>;
  /** By service, then by `view:feature` with the view's alias. */
  readonly services: Readonly<Record<string, Readonly<Record<string, ValueType>>>>;
}

/** Types of the columns of an answer, by the name each has there. */
export function columnTypes(
  types: ValueTypes,
  selection: { readonly features?: readonly string[] | undefined; readonly featureService?: string | undefined },
  fullFeatureNames: boolean,
): ReadonlyMap<string, ValueType> {
  const { features = [], featureService } = selection;
  const byRef =
    featureService === undefined
      ? features.map((ref) => [ref, types.features[ref]] as const)
      : Object.entries(types.services[featureService] ?? {});
  const columns = new Map<string, ValueType>();
  for (const [ref, type] of byRef) {
    if (type === undefined) continue;
    const [view, name] = ref.split(":") as [string, string];
    columns.set(fullFeatureNames ? `${view}__${name}` : name, type);
  }
  return columns;
}
