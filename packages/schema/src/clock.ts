/**
 * Logical now, in integer microseconds since the epoch. It is a collaborator everywhere: nothing but {@link systemClock} reads the machine's
 * time, so that tests can move it.
 */
export interface Clock {
  now(): number;
}

/** The machine's clock. */
export const systemClock: Clock = { now: () => Date.now() * 1000 };
