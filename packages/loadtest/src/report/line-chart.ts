/** A line of a chart. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** What a chart shows. */
export interface Chart {
  readonly title: string;
  readonly unit: string;
  readonly series: readonly Series[];
  /** A line across, at a value that must not be passed. */
  readonly limit?: number;
}

const SIZE = { width: 900, height: 240, left: 64, right: 16, top: 16, bottom: 28 } as const;
/** Okabe and Ito's colours, which colour-blind readers can tell apart. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"] as const;
const LINES = 4;

/** A chart over seconds, as HTML with inline SVG: no script, nothing to load. */
export function lineChart({ title, unit, series, limit }: Chart): string {
  const points = series.flatMap((each) => each.points);
  if (points.length === 0) return "";
  const lastX = Math.max(1, ...points.map(([x]) => x));
  const highest = roundUp(Math.max(limit ?? 0, ...points.map(([, y]) => y)));
  const x = (value: number) => SIZE.left + (value / lastX) * (SIZE.width - SIZE.left - SIZE.right);
  const y = (value: number) => SIZE.height - SIZE.bottom - (value / highest) * (SIZE.height - SIZE.top - SIZE.bottom);
  const grid = Array.from({ length: LINES + 1 }, (_, line) => (line * highest) / LINES).map(
    (value) =>
      `<line class="grid" x1="${SIZE.left}" x2="${SIZE.width - SIZE.right}" y1="${y(value).toFixed(1)}" y2="${y(value).toFixed(1)}"/>
<text x="${SIZE.left - 6}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end">${Number(value.toPrecision(3))}</text>`,
  );
  const lines = series.map((each, place) => {
    const path = each.points.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`).join(" ");
    return `<polyline stroke="${colour(place)}" points="${path}"/>`;
  });
  const across =
    limit === undefined
      ? ""
      : `<line class="limit" x1="${SIZE.left}" x2="${SIZE.width - SIZE.right}" y1="${y(limit).toFixed(1)}" y2="${y(limit).toFixed(1)}"/>`;
  const legend = series.map(({ name }, place) => `<span style="color:${colour(place)}">${escapeHtml(name)}</span>`);
  return `<figure><figcaption><b>${escapeHtml(title)}</b>, ${escapeHtml(unit)} ${legend.join(" ")}</figcaption>
<svg viewBox="0 0 ${SIZE.width} ${SIZE.height}" role="img" aria-label="${escapeHtml(title)}">
${grid.join("\n")}
${across}${lines.join("\n")}
<text x="${SIZE.width - SIZE.right}" y="${SIZE.height - 8}" text-anchor="end">${Math.round(lastX)} s</text>
</svg></figure>`;
}

export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

function colour(place: number): string {
  return COLOURS[place % COLOURS.length] ?? COLOURS[0];
}

/** The next number of one digit and zeros, or of half of that. */
function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((each) => each * power >= value) ?? 10;
  return step * power;
}
