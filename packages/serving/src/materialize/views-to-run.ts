import { type BatchSource, type Definitions, findView, LarderError } from "@larder/schema";
import { atField } from "../plugins/at-field.ts";

/** Whose rows a source holds that does not tell tenants apart. */
const DEFAULT_TENANT = "default";

/**
 * The views of a run, each once. What a caller names must be there to be read, for its tenant, too; a file that is not is the server's affair.
 * @throws UNKNOWN_VIEW, INVALID_REQUEST
 */
export function viewsToRun(
  definitions: Definitions,
  names: readonly string[] | null | undefined,
  tenant: string,
): readonly string[] {
  const views = namedViews(definitions, names);
  const foreign = views.find((name) => !holdsRowsOf(definitions.views.get(name)?.source, tenant));
  if (foreign === undefined) return views;
  throw invalid(
    "feature_views",
    `The source of feature view "${foreign}" holds rows of tenant "${DEFAULT_TENANT}" only`,
    `Name other views, or tell tenants apart in feature_store.yaml: {tenant} in the source's path, or its tenant_column`,
  );
}

function holdsRowsOf(source: BatchSource | undefined, tenant: string): boolean {
  return tenant === DEFAULT_TENANT || source?.tenantColumn !== undefined || source?.path.includes("{tenant}") === true;
}

function namedViews(definitions: Definitions, names: readonly string[] | null | undefined): readonly string[] {
  const sourced = [...definitions.views.values()].filter(({ source }) => source !== undefined).map(({ name }) => name);
  if (names != null) {
    for (const name of names) atField("feature_views", () => findView(definitions, name));
    const without = names.find((name) => !sourced.includes(name));
    if (without === undefined) return [...new Set(names)];
    throw invalid(
      "feature_views",
      `Feature view "${without}" has no batch source`,
      sourced.length === 0 ? "Give it one in feature_store.yaml" : `Use one of: ${sourced.join(", ")}`,
    );
  }
  if (sourced.length > 0) return sourced;
  throw invalid("feature_views", "No feature view has a batch source", "Give one a source in feature_store.yaml");
}

function invalid(field: string, what: string, remedy: string): LarderError {
  return new LarderError("INVALID_REQUEST", { what, remedy, facts: { field } });
}
