import { randomInt } from "node:crypto";

/** What a property test runs with; spread it into fast-check's parameters. */
export interface PropertySettings {
  readonly seed: number;
  readonly numRuns: number;
}

/** A small source of random numbers whose sequence depends on its seed alone. */
export interface SeededRandom {
  readonly seed: number;
  /** In [0, 1), with 32 random bits. */
  next(): number;
  /** A whole number from `from` to `to`, both included. */
  integer(from: number, to: number): number;
  /** One of the items. Throws a RangeError for an empty list. */
  pick<T>(items: readonly T[]): T;
  /** The items in random order; the list itself stays as it is. */
  shuffle<T>(items: readonly T[]): T[];
}

/**
 * The seed of this run: LARDER_SEED, else a random one. Printed once per process, so that a failure can be replayed. Throws for a LARDER_SEED
 * that is no whole number from 0 to 2^31 - 1.
 */
export function testSeed(env: Environment = process.env): number {
  const given = env["LARDER_SEED"];
  if (given !== undefined && given !== "") return wholeNumber("LARDER_SEED", given, 0, MAX_SEED);
  drawn ??= draw();
  return drawn;
}

/** How often a property runs: `usual` times the factor LARDER_RUNS (default 1), for long campaigns without a change to the tests. */
export function testRuns(usual: number, env: Environment = process.env): number {
  const given = env["LARDER_RUNS"];
  return given === undefined || given === "" ? usual : usual * wholeNumber("LARDER_RUNS", given, 1, 1_000_000);
}

/** Seed and runs for fast-check: `fc.assert(property, propertySettings(200))`. */
export function propertySettings(usualRuns: number, env: Environment = process.env): PropertySettings {
  return { seed: testSeed(env), numRuns: testRuns(usualRuns, env) };
}

/** Numbers from `seed` (default: this run's). The generator is Bob Jenkins's small chaotic PRNG `sfc32`, warmed up for 12 rounds. */
export function seededRandom(seed: number = testSeed()): SeededRandom {
  const next = sfc32(seed);
  const integer = (from: number, to: number) => from + Math.floor(next() * (to - from + 1));
  return {
    seed,
    next,
    integer,
    pick: (items) => {
      if (items.length === 0) throw new RangeError("There is nothing to pick from.");
      return items[integer(0, items.length - 1)]!;
    },
    shuffle: <T>(items: readonly T[]) => {
      const copy: T[] = [...items];
      for (let last = copy.length - 1; last > 0; last--) {
        const other = integer(0, last);
        [copy[last], copy[other]] = [copy[other]!, copy[last]!];
      }
      return copy;
    },
  };
}

type Environment = Readonly<Record<string, string | undefined>>;

const MAX_SEED = 2 ** 31 - 1;

let drawn: number | undefined;

function draw(): number {
  const seed = randomInt(MAX_SEED);
  console.log(`seed ${seed} (replay with LARDER_SEED=${seed})`);
  return seed;
}

function wholeNumber(name: string, text: string, from: number, to: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= from && value <= to))
    throw new Error(`${name} is "${text}". Give a whole number from ${from} to ${to}.`);
  return value;
}

function sfc32(seed: number): () => number {
  let a = 0x9e3779b9;
  let b = 0x243f6a88;
  let c = seed >>> 0;
  let counter = 1;
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < 12; round++) next();
  return next;
}
