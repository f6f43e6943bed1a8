/**
 * Up to `most` orders of some items: as they are, reversed, rotated, and then shuffled by a fixed rule, so that a failure comes back at every run.
 */
export function orderings<T>(items: readonly T[], most: number): readonly (readonly T[])[] {
  const orders: (readonly T[])[] = [items, items.toReversed()];
  for (let shift = 1; shift < items.length && orders.length < most; shift++) {
    orders.push([...items.slice(shift), ...items.slice(0, shift)]);
  }
  for (let seed = 1; orders.length < most; seed++) orders.push(shuffled(items, seed));
  return orders.slice(0, most);
}

/** Fisher-Yates over a linear congruential generator (Numerical Recipes' constants): good enough to mix a dozen items. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const copy = [...items];
  let state = seed >>> 0;
  for (let last = copy.length - 1; last > 0; last--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (last + 1));
    [copy[last], copy[other]] = [copy[other] as T, copy[last] as T];
  }
  return copy;
}
