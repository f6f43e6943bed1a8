/** A clock that stands still until a test moves it. Fits `Clock` of @larder/schema by shape. Times are integer microseconds since the epoch. */
export interface LogicalClock {
  now(): number;
  /** Sets the time; it may go back. Throws a RangeError for anything but a safe integer. */
  set(micros: number): void;
  /** Moves the time by so many microseconds, which may be negative. */
  advance(micros: number): void;
}

/** 2024-01-01T00:00:00Z in microseconds: a start that is no boundary of anything. */
const START = 1_704_067_200_000_000;

/** Makes a clock that shows `start`. */
export function logicalClock(start: number = START): LogicalClock {
  let time = checked(start);
  return {
    now: () => time,
    set: (micros) => {
      time = checked(micros);
    },
    advance: (micros) => {
      time = checked(time + micros);
    },
  };
}

function checked(micros: number): number {
  if (!Number.isSafeInteger(micros)) throw new RangeError(`${micros} is no whole number of microseconds below 2^53.`);
  return micros;
}
