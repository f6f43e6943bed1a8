const UNITS = [
  ["d", 86_400_000_000],
  ["h", 3_600_000_000],
  ["m", 60_000_000],
  ["s", 1_000_000],
] as const;

/** A span of microseconds for people, in its two greatest units, cut off below: `2d 3h`, `59s`, `less than 1s`. */
export function ageText(micros: number): string {
  const at = UNITS.findIndex(([, size]) => micros >= size);
  if (at < 0) return "less than 1s";
  let rest = micros;
  const parts = UNITS.slice(at, at + 2).map(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count === 0 ? "" : `${count}${unit}`;
  });
  return parts.filter((part) => part !== "").join(" ");
}
