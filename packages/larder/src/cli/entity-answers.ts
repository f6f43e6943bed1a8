import type { OnlineFeatures } from "@larder/contract/typed";
import { loadDefinitions, systemClock } from "@larder/schema";
import type { EntityRow } from "../online-features.ts";
import { ReadPlans } from "../read-plans.ts";
import { wholeEntityRows } from "./entity-option.ts";
import { selectedFeatures } from "./selected-features.ts";
import type { CommonOptions } from "./verb.ts";

/** What the features of some entities are. */
export interface EntityAnswers {
  readonly rows: readonly EntityRow[];
  readonly answer: OnlineFeatures<Record<string, unknown>, object>;
}

/** Which features of which entities, online or as of a time. */
export interface EntityQuestion extends Pick<CommonOptions, "tenant"> {
  readonly features?: string;
  readonly service?: string;
  readonly entity?: readonly string[];
  readonly asOf?: string;
}

/** Reads what `larder get` asks for. @throws what reading throws; INVALID_REQUEST and USAGE for entities that are not whole */
export async function entityAnswers(
  file: string,
  options: EntityQuestion,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<EntityAnswers> {
  const { tenant, asOf } = options;
  const selection = selectedFeatures(options);
  if (asOf === undefined) {
    const { FeatureStore } = await import("../feature-store.ts");
    await using store = await FeatureStore.open(file, { tenant, int64: "bigint", env });
    const rows = wholeEntityRows(options.entity ?? [], store.joinKeys(selection));
    return { rows, answer: await store.getOnlineFeatures({ ...selection, entityRows: rows, signal }) };
  }
  const { readFeaturesAsOf } = await import("../features-as-of.ts");
  const definitions = await loadDefinitions(file, { env });
  const rows = wholeEntityRows(options.entity ?? [], new ReadPlans(definitions).get(selection).joinKeys);
  const parts = { definitions, tenant, int64: "bigint", clock: systemClock } as const;
  return { rows, answer: await readFeaturesAsOf(parts, { ...selection, entityRows: rows, at: asOf, signal }) };
}
