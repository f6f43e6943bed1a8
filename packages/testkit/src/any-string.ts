import fc from "fast-check";

/** Code points that are no surrogates. */
const CODE_POINTS = 0x11_0000 - 0x800;

/**
 * Well-formed strings of any code points, lengths counted in these. As `fc.string({ unit: "binary" })`, without the seconds that its first use costs
 * every process.
 */
export function anyString(length: { readonly minLength?: number; readonly maxLength?: number } = {}) {
  const unit = fc.nat(CODE_POINTS - 1).map((n) => String.fromCodePoint(n < 0xd800 ? n : n + 0x800));
  return fc.string({ unit, ...length });
}
