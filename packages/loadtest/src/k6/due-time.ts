import { LEAD_SECONDS, type Load } from "./load-plan.ts";

/** Seconds from a load's first request until its latencies are taken. */
export function leadOf({ lead = LEAD_SECONDS }: Pick<Load, "lead">): number {
  return lead;
}

/** Seconds from the start of the run until a load's last request. */
export function endOf(load: Load): number {
  return load.start + leadOf(load) + load.seconds;
}

/** Requests of a load, those of its lead included. */
export function dueCount(load: Load): number {
  return Math.floor((leadOf(load) + load.seconds) * load.rate);
}

/** Milliseconds from a load's start at which its request with this number, from 0, is due. */
export function dueAfterMs({ rate }: Pick<Load, "rate">, request: number): number {
  return (1000 * request) / rate;
}

/** Loads one after the other, each as soon as the one before has ended. */
export function inSequence<Each extends Omit<Load, "start">>(loads: readonly Each[]): (Each & { start: number })[] {
  let start = 0;
  return loads.map((load) => {
    const placed = { ...load, start };
    start += leadOf(load) + load.seconds;
    return placed;
  });
}
