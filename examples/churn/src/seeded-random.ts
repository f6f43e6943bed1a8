/** A stream of numbers that depends on its seed alone. */
export interface SeededRandom {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [low, high], both included. */
  int(low: number, high: number): number;
  chance(probability: number): boolean;
}

/**
 * One stream per (seed, key), so that a customer's history does not depend on how many customers came before. The generator is sfc32 (Chris
 * Doty-Humphrey, PractRand), seeded by the two numbers and stepped until they are mixed.
 */
export function seededRandom(seed: number, key: number): SeededRandom {
  let a = seed | 0;
  let b = key | 0;
  let c = 0x9e3779b9 | 0;
  let counter = 1;
  const step = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return (sum >>> 0) / 0x1_0000_0000;
  };
  for (let i = 0; i < 15; i++) step();
  return {
    next: step,
    int: (low, high) => low + Math.floor(step() * (high - low + 1)),
    chance: (probability) => step() < probability,
  };
}
