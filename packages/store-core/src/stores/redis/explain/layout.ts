import type { SampleOptions } from "../sample-keys.ts";
import type { GroupReport } from "./report.ts";
import type { SampledEntity } from "./sample-entities.ts";
import type { RowFacts } from "./weigh-entity.ts";

/** How one layout of rows is found and read. */
export interface ExplainedLayout {
  /** The walks that together meet every entity once. */
  readonly walks: readonly Pick<SampleOptions, "pattern" | "groupOf">[];
  /** What a group's name stands for. */
  describe(group: string): Pick<GroupReport, "tenant" | "joinKeys">;
  /** The rows in an entity's hash; fields that belong to no row are left out. */
  rowsOf(group: string, entity: SampledEntity): readonly RowFacts[];
  /** The join keys of an entity, for its owner to read. */
  entityOf(group: string, entity: SampledEntity): Readonly<Record<string, unknown>>;
}
