import { type FeatureView, LarderError, type ValueType } from "@larder/schema";
import { createKeySpace, type EntityKeyVersion, type KeySpace } from "./entity-key.ts";
import { murmur3 } from "./mmh3.ts";
import { kindOf, type ValueKind } from "./value-kinds.ts";

/** Where the rows of one view lie: in which hashes, under which fields. */
export interface FeastView {
  readonly view: FeatureView;
  readonly keySpace: KeySpace;
  /** `_ts:<view>`, which holds the event time. */
  readonly timeField: Buffer;
  /**
   * A field of Larder's own, which Feast does not look at: which fields the last row that Larder wrote has, or that it was a deletion. See
   * scripts/feast-put.lua.
   */
  readonly markField: Buffer;
  readonly features: readonly FeastFeature[];
  /** Names of all features' fields, four bytes each. */
  readonly fieldNames: Buffer;
}

/** One feature of a view. */
export interface FeastFeature {
  readonly name: string;
  readonly type: ValueType;
  readonly kind: ValueKind;
  readonly field: Buffer;
}

/** The name of a feature's field: the hash of `view:feature`, four bytes little-endian. */
export function featureField(view: string, feature: string): Buffer {
  const name = Buffer.alloc(4);
  name.writeUInt32LE(murmur3(Buffer.from(`${view}:${feature}`, "utf8")));
  return name;
}

/** The name of the field of a view's event time. */
export function timeField(view: string): Buffer {
  return Buffer.from(`_ts:${view}`, "utf8");
}

/** Five bytes, which no field of Feast's has: its features' have four, its times' start with `_ts:`. */
export function markField(view: string): Buffer {
  const name = Buffer.from("l....");
  name.writeUInt32LE(murmur3(Buffer.from(view, "utf8")), 1);
  return name;
}

/** The views of one project as Feast's layout holds them. */
export class FeastViews {
  readonly #project: string;
  readonly #version: EntityKeyVersion;
  readonly #spaces = new Map<string, KeySpace>();
  readonly #compiled = new WeakMap<FeatureView, FeastView>();

  constructor(project: string, version: EntityKeyVersion) {
    this.#project = project;
    this.#version = version;
  }

  of(view: FeatureView): FeastView {
    const known = this.#compiled.get(view);
    if (known !== undefined) return known;
    const features = view.features.map(({ name, type }) => ({
      name,
      type,
      kind: kindOf(type),
      field: featureField(view.name, name),
    }));
    const compiled = {
      view,
      keySpace: this.#keySpace(view),
      timeField: timeField(view.name),
      markField: markField(view.name),
      features,
      fieldNames: Buffer.concat(features.map(({ field }) => field)),
    };
    this.#compiled.set(view, compiled);
    return compiled;
  }

  /** Views whose rows lie in the same hashes have one key space. */
  #keySpace(view: FeatureView): KeySpace {
    const space = createKeySpace(view, this.#project, this.#version);
    const known = this.#spaces.get(space.id);
    if (known === undefined) this.#spaces.set(space.id, space);
    return known ?? space;
  }
}

/**
 * Refuses features that would share a field of one hash: 32 bits are few, and Feast does not look.
 * @throws STORE_MISCONFIGURED naming both
 */
export function refuseSharedFields(views: readonly FeastView[]): void {
  const owners = new Map<string, string>();
  const claim = (id: string, owner: string) => {
    const other = owners.get(id);
    owners.set(id, owner);
    if (other === undefined) return;
    throw new LarderError("STORE_MISCONFIGURED", {
      what: `${other} and ${owner} have the same field in Feast's layout`,
      remedy: "Rename one of them, in Feast too, or use layout: packed",
      facts: { field: "feature_views" },
    });
  };
  for (const { view, keySpace, markField, features } of views) {
    claim(`${keySpace.id} ${markField.toString("hex")}`, `The feature view "${view.name}"`);
    for (const { name, field } of features) {
      claim(`${keySpace.id} ${field.toString("hex")}`, `The feature "${view.name}:${name}"`);
    }
  }
}
