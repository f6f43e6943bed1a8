import { Gauge, Histogram, type Registry } from "prom-client";

/** What a histogram of prom-client answers when it is read. */
type Read<Label extends string> = Awaited<ReturnType<Histogram<Label>["get"]>>;

/** The values of one set of labels. */
export class Series {
  readonly #edges: readonly number[];
  /** Values up to each edge and above the one before, then those above the last. */
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(edges: readonly number[]) {
    this.#edges = edges;
    this.#counts = new Float64Array(edges.length + 1);
  }

  count(seconds: number): void {
    const edges = this.#edges;
    let edge = 0;
    while (edge < edges.length && seconds > (edges[edge] as number)) edge++;
    this.#counts[edge] = (this.#counts[edge] as number) + 1;
    this.#sum += seconds;
  }

  get counts(): Float64Array {
    return this.#counts;
  }

  get sum(): number {
    return this.#sum;
  }
}

/**
 * A histogram whose series are looked up by a text of the caller's, once or at each value. prom-client's own makes that text anew from the labels of
 * every value and checks them, which costs more than some of what is timed here. It is a gauge only to be one of prom-client's metrics: what it answers
 * is a histogram, as one of prom-client's describes it.
 */
export class SeriesHistogram<Label extends string> extends Gauge<Label> {
  readonly #name: string;
  readonly #empty: Histogram<Label>;
  readonly #edges: readonly number[];
  readonly #series = new Map<string, { readonly labels: Readonly<Record<Label, string>>; readonly series: Series }>();

  /** `edges` in seconds, rising. */
  constructor(
    { name, help, labelNames }: { readonly name: string; readonly help: string; readonly labelNames: readonly Label[] },
    edges: readonly number[],
    registry: Registry,
  ) {
    super({ name, help, labelNames, registers: [registry] });
    this.#empty = new Histogram({ name, help, labelNames, buckets: [...edges], registers: [] });
    this.#name = name;
    this.#edges = edges;
  }

  /** The series called `key`; one that is new gets `labels`. */
  series(key: string, labels: () => Readonly<Record<Label, string>>): Series {
    const known = this.#series.get(key);
    if (known !== undefined) return known.series;
    const series = new Series(this.#edges);
    this.#series.set(key, { labels: labels(), series });
    return series;
  }

  override async get(): Promise<Read<Label>> {
    const name = this.#name;
    const values: Read<Label>["values"] = [];
    for (const { labels, series } of this.#series.values()) {
      let count = 0;
      for (const [edge, more] of series.counts.entries()) {
        count += more;
        values.push({
          labels: { le: this.#edges[edge] ?? "+Inf", ...labels },
          value: count,
          metricName: `${name}_bucket`,
        });
      }
      values.push({ labels, value: series.sum, metricName: `${name}_sum` });
      values.push({ labels, value: count, metricName: `${name}_count` });
    }
    return { ...(await this.#empty.get()), values };
  }
}
