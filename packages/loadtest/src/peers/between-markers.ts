/** `text` with what stands between `<!-- name:begin -->` and `<!-- name:end -->` replaced. Throws where the markers are not there once, in order. */
export function betweenMarkers(text: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const [before, rest, ...more] = text.split(begin);
  const [, after, ...further] = rest?.split(end) ?? [];
  if (before === undefined || after === undefined || more.length > 0 || further.length > 0) {
    throw new Error(`There have to be one ${begin} and one ${end} after it`);
  }
  return `${before}${begin}\n${content}\n${end}${after}`;
}
