import { sumLatencies, type ViewCounts, type ViewLagStatus } from "@larder/materializer/stream";

/** Views and tenants that have time series of their own; one takes about 80 of them. */
const MAX_PAIRS = 500;

/**
 * The pairs of view and tenant that metrics tell apart: those that came first, up to the bound, and per view all others together under the tenant "",
 * which no tenant is called. A pair stays where it is while the process runs, so that no counter goes back.
 */
export class BoundedViews {
  readonly #own = new Set<string>();
  readonly #maxPairs: number;

  constructor(maxPairs: number = MAX_PAIRS) {
    this.#maxPairs = maxPairs;
  }

  of(views: readonly ViewCounts[]): readonly ViewCounts[] {
    const own = views.filter((counts) => this.#isOwn(counts));
    const others = Map.groupBy(
      views.filter((counts) => !this.#isOwn(counts)),
      ({ view }) => view,
    );
    return [...own, ...[...others.values()].map(together)];
  }

  #isOwn({ view, tenant }: ViewCounts): boolean {
    const key = JSON.stringify([view, tenant]);
    if (this.#own.size < this.#maxPairs) this.#own.add(key);
    return this.#own.has(key);
  }
}

function together(views: readonly ViewCounts[]): ViewCounts {
  const sum = (of: (counts: ViewCounts) => number) => views.reduce((total, each) => total + of(each), 0);
  const latencies = (of: (lag: ViewLagStatus) => ViewLagStatus["eventToBroker"]) =>
    sumLatencies(views.map(({ lag }) => of(lag)));
  return {
    view: views[0]?.view ?? "",
    tenant: "",
    applied: sum(({ applied }) => applied),
    duplicate: sum(({ duplicate }) => duplicate),
    stale: sum(({ stale }) => stale),
    expired: sum(({ expired }) => expired),
    conflict: sum(({ conflict }) => conflict),
    merged: sum(({ merged }) => merged),
    refused: sum(({ refused }) => refused),
    oldest: least(views.map(({ oldest }) => oldest)),
    lag: {
      // The tenant that is furthest behind: an alert on it is one on any of them.
      watermark: least(views.map(({ lag }) => lag.watermark)),
      eventToBroker: latencies((lag) => lag.eventToBroker),
      brokerToReadable: latencies((lag) => lag.brokerToReadable),
      eventToReadable: latencies((lag) => lag.eventToReadable),
      missed: views[0]?.lag.missed === undefined ? undefined : sum(({ lag }) => lag.missed ?? 0),
    },
  };
}

function least(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
