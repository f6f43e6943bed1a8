import { isCompact, lengthsOf } from "./alternatives.ts";
import { listpackHash, tableHash } from "./hash-size.ts";
import type { EntityBasis } from "./report.ts";
import type { ServerMemory } from "./server-memory.ts";
import type { WeighedEntity } from "./summarize-group.ts";

/** Most entities that are named as examples. */
const EXAMPLES = 500;

/** Of Redis 7, where the user may not ask. */
const DEFAULT_VALUE = 64;

/** What a basis is worked out from. */
export interface BasisInput {
  readonly weighed: readonly WeighedEntity[];
  readonly server: ServerMemory;
  /** Only rows of these views count; undefined = all, as they are. */
  readonly views: ReadonlySet<string> | undefined;
  /** Whether rows of a view expire. */
  readonly expires: (view: string) => boolean;
  readonly nameOf: (entity: WeighedEntity) => Readonly<Record<string, unknown>>;
}

/**
 * The mean of the sampled entities, as they would be with rows of some views only: an entity without any is left out, the hash of any other loses the
 * fields of the other views and, where it becomes small enough, its table. undefined where no entity has any.
 */
export function entityBasis(input: BasisInput): EntityBasis | undefined {
  let [entities, own, expiring] = [0, 0, 0];
  const examples: Readonly<Record<string, unknown>>[] = [];
  for (const each of input.weighed) {
    const cut = cutDown(each, input);
    if (cut === undefined) continue;
    entities += each.times;
    own += cut.own * each.times;
    if (cut.expires) expiring += each.times;
    if (examples.length < EXAMPLES) examples.push(input.nameOf(each));
  }
  if (entities === 0) return undefined;
  return { entities, ownBytes: own / entities, expiringShare: expiring / entities, examples };
}

function cutDown(
  { entity, rows, weight }: WeighedEntity,
  { server, views, expires }: BasisInput,
): { readonly own: number; readonly expires: boolean } | undefined {
  const kept = rows.map(({ view }) => views === undefined || views.has(view));
  if (!kept.includes(true)) return undefined;
  if (!kept.includes(false)) return { own: weight.own, expires: entity.expires };
  const { allocated, expiry } = server.sizes;
  const fields = lengthsOf(entity);
  // A row of the packed layout is one field of its hash, in the same order.
  const left = fields.filter((_, at) => kept[at]);
  const compact = isCompact(left, server.listpackValue ?? DEFAULT_VALUE, server.listpackEntries);
  const today = (entity.encoding === "listpack" ? listpackHash : tableHash)(fields, allocated);
  const then = (compact ? listpackHash : tableHash)(left, allocated);
  const expiring = rows.every(({ view }, at) => kept[at] !== true || expires(view));
  const expiries = (expiring ? expiry : 0) - (entity.expires ? expiry : 0);
  return { own: weight.own + then - today + expiries, expires: expiring };
}
