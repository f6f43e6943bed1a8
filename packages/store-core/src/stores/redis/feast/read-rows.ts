import type { FeatureValue, FeatureView } from "@larder/schema";
import type { EntityKeys, PlanGroup, ReadPlan } from "../../../plan/read-plan.ts";
import type { RowEncoder } from "../../../row/row-encoder.ts";
import type { RowSlices } from "../../../row-store.ts";
import type { CellGroup } from "../gather-cells.ts";
import { BROKEN_ROW, decodeFeastRow, NO_ROW } from "./decode-row.ts";
import type { KeySpace } from "./entity-key.ts";
import type { FeastFeature, FeastView, FeastViews } from "./field-names.ts";

/** A read plan as Feast's layout has to be asked: which fields of which hashes. */
export interface FeastReadPlan {
  readonly hashes: readonly HashRead[];
  /** Rows per entity row that come before each group's. */
  readonly groupStart: readonly number[];
  /** Rows per entity row. */
  readonly stride: number;
}

/** Fields that are read of one hash per entity row: of all views that lie in it. */
interface HashRead {
  readonly group: number;
  readonly keySpace: KeySpace;
  readonly fields: readonly Buffer[];
  readonly views: readonly ViewRead[];
}

interface ViewRead {
  readonly feast: FeastView;
  /** Position of the view in its group. */
  readonly position: number;
  /** Index into `fields` of the event time; those of the features follow. */
  readonly at: number;
  readonly features: readonly FeastFeature[];
  /** Index of each of them in the view. */
  readonly indexes: readonly number[];
}

/** A feature that is stored under another type than it is declared with. */
export interface Retyped {
  readonly view: FeatureView;
  readonly entityKey: string;
  readonly features: readonly string[];
}

/**
 * Finds out what to read: the features that are asked for, or all of them. Views of one group take the same columns of a request; whose join keys have different names (by a join_key_map) lie in
 * different hashes.
 */
export function compileFeastRead(plan: ReadPlan, views: FeastViews, wholeRows: boolean): FeastReadPlan {
  const hashes = new Map<string, HashRead & { fields: Buffer[]; views: ViewRead[] }>();
  for (const [index, { view, group, position }] of plan.views.entries()) {
    const feast = views.of(view);
    const { keySpace } = feast;
    const id = `${group} ${keySpace.id}`;
    const hash = hashes.get(id) ?? { group, keySpace, fields: [], views: [] };
    hashes.set(id, hash);
    const columns = plan.columns.filter((column) => column.view === index);
    const asked = wholeRows ? view.features : columns.map(({ ref }) => ref.feature);
    const indexes = [...new Set(asked.map((feature) => feature.index))];
    const features = indexes.map((at) => feast.features[at] as FeastFeature);
    hash.views.push({ feast, position, at: hash.fields.length, features, indexes });
    hash.fields.push(feast.timeField, ...features.map(({ field }) => field));
  }
  const groupStart: number[] = [];
  let stride = 0;
  for (const group of plan.groups) {
    groupStart.push(stride);
    stride += group.views.length;
  }
  return { hashes: [...hashes.values()], groupStart, stride };
}

/** The cells to gather for some entity rows, hash read by hash read. */
export function cellsToGather(plan: FeastReadPlan, keys: EntityKeys): CellGroup[] {
  return plan.hashes.map(({ group, keySpace, fields }) => ({
    keys: (keys.groups[group] ?? []).map((key) => keySpace.redisKey(key)),
    fields,
  }));
}

/** What {@link packRows} works with. */
export interface PackRowsInput {
  readonly plan: FeastReadPlan;
  readonly groups: readonly PlanGroup[];
  readonly keys: EntityKeys;
  readonly cells: RowSlices;
  readonly encoderOf: (view: FeatureView) => RowEncoder;
}

/**
 * Turns Feast's cells into packed rows of this process's own schemas, so that all that comes after a read is the same for every store. A row that
 * cannot be decoded becomes no row at all but empty bytes, which read as INVALID.
 */
export function packRows({ plan, groups, keys, cells, encoderOf }: PackRowsInput): {
  readonly slices: RowSlices;
  readonly retyped: readonly Retyped[];
} {
  const { rowCount } = keys;
  const total = rowCount * plan.stride;
  const buffers = new Array<Uint8Array | undefined>(total).fill(undefined);
  const lengths = new Int32Array(total).fill(-1);
  const retyped: Retyped[] = [];
  let first = 0;
  for (const { group, fields, views } of plan.hashes) {
    const start = rowCount * (plan.groupStart[group] as number);
    const stride = groups[group]?.views.length ?? 1;
    for (const { feast, position, at, features, indexes } of views) {
      const { view } = feast;
      const encode = encoderOf(view);
      const values: (FeatureValue | undefined)[] = new Array(view.features.length).fill(undefined);
      for (let row = 0; row < rowCount; row++) {
        const from = first + row * fields.length + at;
        const found = decodeFeastRow(cells, from, features, from + 1);
        if (found === NO_ROW) continue;
        const to = start + row * stride + position;
        if (found === BROKEN_ROW) {
          buffers[to] = NOTHING;
          lengths[to] = 0;
          continue;
        }
        if (found.retyped.length > 0) {
          retyped.push({ view, entityKey: keys.groups[group]?.[row] ?? "", features: found.retyped });
        }
        let some = false;
        for (let i = 0; i < indexes.length; i++) {
          values[indexes[i] as number] = found.values[i];
          some ||= found.values[i] !== undefined;
        }
        // A deletion, or a row with nothing of what is asked for.
        if (!some) continue;
        const bytes = encode({ eventTime: found.eventTime, createdTime: undefined, values });
        buffers[to] = bytes;
        lengths[to] = bytes.length;
      }
    }
    first += rowCount * fields.length;
  }
  return { slices: { buffers, offsets: new Int32Array(total), lengths }, retyped };
}

const NOTHING = new Uint8Array(0);
