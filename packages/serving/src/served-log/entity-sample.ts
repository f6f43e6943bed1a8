/** Whether an entity is among those whose predictions are kept: always or never, in every process, and still when the sample grows. */
export type EntitySample = (tenant: string, entityKey: string) => boolean;

/** Beyond it every hash is; 2^32. */
const RANGE = 4_294_967_296;

/** Compiles the choice. It must cost next to nothing, since every row of every request is asked: FNV-1a with MurmurHash3's finish. */
export function createEntitySample(project: string, sample: number): EntitySample {
  const limit = Math.round(sample * RANGE);
  const seeds = new Map<string, number>();
  return (tenant, entityKey) => {
    if (limit === RANGE) return true;
    let seed = seeds.get(tenant);
    if (seed === undefined) {
      // Tenants are declared, so there is an end to them.
      seed = fnv(0x811c9dc5, JSON.stringify([project, tenant]));
      seeds.set(tenant, seed);
    }
    return finish(fnv(seed, entityKey)) < limit;
  };
}

function fnv(seed: number, text: string): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

/** Spreads what differs in the last characters over all bits, so that ids in a row are not alike. */
function finish(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
