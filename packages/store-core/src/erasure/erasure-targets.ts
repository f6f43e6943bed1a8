import { type Definitions, decodeKeyValue, type FeatureView, type JoinKey, LarderError } from "@larder/schema";
import { encodeKeyPart, sortedJoinKeys } from "../keys/entity-key.ts";
import { compareCodePoints } from "../keys/segment.ts";
import type { MarkedEntity } from "./erasure-record.ts";

/** One view that may hold rows of the entity. */
export interface ErasureTarget {
  readonly view: FeatureView;
  /** The encoded key where the entity's join keys are all that the view has; undefined: the view has more, and is searched through. */
  readonly entityKey: string | undefined;
  /** Whether a row of the view is the entity's. */
  matches(entityKey: string): boolean;
}

/** An entity, and where it may be. */
export interface ErasureTargets {
  /** Join-key names, sorted as keys are. */
  readonly names: readonly string[];
  readonly views: readonly ErasureTarget[];
  /** What to mark: one, or several where views declare a join key of the same name with different types. */
  readonly marked: readonly MarkedEntity[];
}

/**
 * Finds the views that an entity may have rows in: those whose join keys are, or contain, the ones given. These must be all join keys of one or more
 * declared entities, so that half of a composite key does not erase everybody who shares it.
 * @throws INVALID_REQUEST for a join key that no view has, half of an entity's, or a value that is of no view's type
 */
export function findTargets(
  { entities, views }: Pick<Definitions, "entities" | "views">,
  entity: Readonly<Record<string, unknown>>,
): ErasureTargets {
  const names = Object.keys(entity).sort(compareCodePoints);
  const keyLists = [...entities.values()].map(({ joinKeys }) => joinKeys.map(({ name }) => name));
  const whole = keyLists.filter((keys) => keys.length > 0 && keys.every((key) => names.includes(key))).flat();
  const loose = names.filter((name) => !whole.includes(name));
  if (names.length === 0 || loose.length > 0) throw badNames(loose, keyLists);

  const targets: ErasureTarget[] = [];
  const marked = new Map<string, MarkedEntity>();
  let fault: LarderError | undefined;
  for (const view of views.values()) {
    const order = sortedJoinKeys(view);
    const positions = names.map((name) => order.findIndex((key) => key.name === name));
    if (positions.includes(-1)) continue;
    const parts: string[] = [];
    for (const position of positions) {
      const encoded = encodedValue(order[position] as JoinKey, entity);
      if (encoded instanceof LarderError) fault = encoded;
      else parts.push(encoded);
    }
    // Of another type than the value's: no row of this view is the entity's.
    if (parts.length < positions.length) continue;
    marked.set(parts.join(","), { names, parts });
    targets.push({
      view,
      entityKey: order.length === names.length ? parts.join(",") : undefined,
      matches: (key) => {
        const cells = key.split(",");
        return positions.every((position, i) => cells[position] === parts[i]);
      },
    });
  }
  if (targets.length > 0) return { names, views: targets, marked: [...marked.values()] };
  throw fault ?? badNames(names, keyLists);
}

function encodedValue({ name, type }: JoinKey, entity: Readonly<Record<string, unknown>>): string | LarderError {
  const given = entity[name];
  // Command lines have text only, and these types take no text elsewhere.
  const numeric = typeof given === "string" && (type === "int32" || type === "unix_timestamp");
  const decoded = decodeKeyValue(type, numeric && /^-?\d{1,15}$/.test(given) ? Number(given) : given);
  if (decoded.ok) return encodeKeyPart(decoded.value);
  return new LarderError("INVALID_REQUEST", {
    what: `Join key "${name}" ${decoded.what}`,
    remedy: decoded.remedy,
    facts: { field: name },
  });
}

function badNames(loose: readonly string[], keyLists: readonly (readonly string[])[]): LarderError {
  const half = keyLists.find((keys) => keys.some((key) => loose.includes(key)));
  const known = keyLists.filter((keys) => keys.length > 0).map((keys) => keys.join(" and "));
  const listed = loose.map((name) => `"${name.slice(0, 100)}"`).join(", ");
  return new LarderError("INVALID_REQUEST", {
    what:
      loose.length === 0
        ? "No join key is given"
        : half === undefined
          ? `${listed} ${loose.length === 1 ? "is no join key" : "are no join keys"} of any entity`
          : `${listed} ${loose.length === 1 ? "is" : "are"} not all that an entity is identified by, or no feature view is about it`,
    remedy: `Name an entity by all of its join keys: ${[...new Set(known)].join(" | ") || "none is declared"}`,
    facts: { field: loose[0] ?? "entity" },
  });
}
