import type { Definitions, FeastRedisConfig } from "@larder/schema";
import { decodeEntityKey } from "../../../keys/entity-key.ts";
import { type FeastView, FeastViews } from "../feast/field-names.ts";
import { decodeTimestamp } from "../feast/timestamp-codec.ts";
import type { ExplainedLayout } from "./layout.ts";
import type { SampledEntity } from "./sample-entities.ts";
import type { RowFacts } from "./weigh-entity.ts";

/** Feast's layout: a group is the views with the same join keys, whose rows share their hashes. `now` is in microseconds. */
export function feastLayout(definitions: Definitions, config: FeastRedisConfig, now: number): ExplainedLayout {
  const compiled = new FeastViews(definitions.project, config.entityKeyVersion);
  const views = [...definitions.views.values()].map((view) => compiled.of(view));
  const groups = Map.groupBy(views, ({ keySpace }) => keySpace.id);
  return {
    walks: [...groups].map(([id, [first]]) => ({
      pattern: (first as FeastView).keySpace.pattern,
      groupOf: (key) => ((first as FeastView).keySpace.entityKeyOf(key) === undefined ? undefined : id),
    })),
    describe: (group) => ({
      tenant: "default",
      joinKeys: (groups.get(group)?.[0]?.view.joinKeys ?? []).map(({ name }) => name),
    }),
    rowsOf: (group, entity) => {
      const cells = new Map((entity.fields ?? []).map(([name, value]) => [name.toString("latin1"), value]));
      return (groups.get(group) ?? []).flatMap((feast) => feastRow(feast, cells, now));
    },
    entityOf: (group, entity) => entityOf(groups.get(group)?.[0], entity),
  };
}

/** A view's row in a hash, if it has an event time there. */
function feastRow(feast: FeastView, cells: ReadonlyMap<string, Buffer>, now: number): RowFacts[] {
  const { view, features, timeField, markField } = feast;
  const time = cells.get(timeField.toString("latin1"));
  if (time === undefined) return [];
  const mark = cells.get(markField.toString("latin1"));
  const values = features.flatMap(({ field }) => cells.get(field.toString("latin1")) ?? []);
  const eventTime = decodeTimestamp(time, 0, time.length);
  const { onlineTtl } = view;
  return [
    {
      view: view.name,
      features: features.length,
      headerBytes: time.length + (mark?.length ?? 0),
      valueBytes: values.reduce((sum, { length }) => sum + length, 0),
      nameBytes: timeField.length + (mark === undefined ? 0 : markField.length) + 4 * values.length,
      tombstone: values.length === 0,
      dead: onlineTtl !== undefined && eventTime !== undefined && now > eventTime + onlineTtl + view.keepStale,
    },
  ];
}

function entityOf(feast: FeastView | undefined, { key }: SampledEntity): Readonly<Record<string, unknown>> {
  const text = feast?.keySpace.entityKeyOf(key);
  const values = feast === undefined || text === undefined ? undefined : decodeEntityKey(feast.view, text);
  return Object.fromEntries((feast?.view.joinKeys ?? []).map(({ name }, at) => [name, values?.[at]]));
}
