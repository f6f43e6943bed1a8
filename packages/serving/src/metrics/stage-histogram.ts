import { Gauge, Histogram, type Registry } from "prom-client";

/** What a histogram of prom-client answers when it is read. */
type Read = Awaited<ReturnType<Histogram<"stage">["get"]>>;

/**
 * A histogram of a few stages that are known beforehand. prom-client's own looks labels up for every value, which costs more than some of these stages
 * take; this one counts in an array, and writes labels when it is read. It is a
 * gauge only to be one of its metrics: what it answers is a histogram, as one of prom-client's describes it.
 */
export class StageHistogram extends Gauge<"stage"> {
  readonly #name: string;
  readonly #empty: Histogram<"stage">;
  readonly #stages: readonly string[];
  readonly #edges: readonly number[];
  /** Per stage: values up to each edge and above the one before, then those above the last, then their sum. */
  readonly #cells: Float64Array;
  readonly #stride: number;

  /** `edges` in seconds, rising. */
  constructor(name: string, help: string, stages: readonly string[], edges: readonly number[], registry: Registry) {
    super({ name, help, registers: [registry] });
    this.#empty = new Histogram({ name, help, labelNames: ["stage"], buckets: [...edges], registers: [] });
    this.#name = name;
    this.#stages = stages;
    this.#edges = edges;
    this.#stride = edges.length + 2;
    this.#cells = new Float64Array(stages.length * this.#stride);
  }

  /** Counts a value of the stage with this number. */
  count(stage: number, seconds: number): void {
    const edges = this.#edges;
    const from = stage * this.#stride;
    let edge = 0;
    while (edge < edges.length && seconds > (edges[edge] as number)) edge++;
    const cells = this.#cells;
    cells[from + edge] = (cells[from + edge] as number) + 1;
    const sum = from + this.#stride - 1;
    cells[sum] = (cells[sum] as number) + seconds;
  }

  override async get(): Promise<Read> {
    const name = this.#name;
    const values: Read["values"] = [];
    for (const [number, stage] of this.#stages.entries()) {
      const cells = this.#cells.subarray(number * this.#stride, (number + 1) * this.#stride);
      let count = 0;
      for (let edge = 0; edge <= this.#edges.length; edge++) {
        count += cells[edge] as number;
        const le = this.#edges[edge] ?? "+Inf";
        values.push({
          labels: { le, stage } as Read["values"][0]["labels"],
          value: count,
          metricName: `${name}_bucket`,
        });
      }
      values.push({ labels: { stage }, value: cells[this.#stride - 1] as number, metricName: `${name}_sum` });
      values.push({ labels: { stage }, value: count, metricName: `${name}_count` });
    }
    return { ...(await this.#empty.get()), values };
  }
}
