import { LarderError } from "@larder/schema";

/** One online store that a load test can run on. */
export interface TestedStore {
  readonly name: string;
  /** Whether it is a Redis behind a connection, which can be slowed down and cut. */
  readonly remote: boolean;
  /** Whether its rows outlive the server's process. */
  readonly lasting: boolean;
  /** Whether it keeps tenants beside `default`. */
  readonly tenants: boolean;
  /** `online_store` of feature_store.yaml, but for the deadlines. `address` is `host:port` of the way to Redis. */
  settings(address: string): Record<string, unknown>;
}

/** Every online store there is, by the name that --store takes. */
export const TESTED_STORES: readonly TestedStore[] = [
  {
    ...{ name: "redis", remote: true, lasting: true, tenants: true },
    settings: (address) => ({ type: "redis", connection_string: address, layout: "packed" }),
  },
  {
    ...{ name: "redis-feast", remote: true, lasting: true, tenants: false },
    // A database of its own: Larder refuses to open one layout where the other's rows are.
    settings: (address) => ({ type: "redis", connection_string: `${address},db=1`, layout: "feast" }),
  },
  {
    ...{ name: "sqlite", remote: false, lasting: true, tenants: true },
    settings: () => ({ type: "sqlite", path: "online.db" }),
  },
  {
    ...{ name: "memory", remote: false, lasting: false, tenants: true },
    settings: () => ({ type: "memory" }),
  },
];

/** @throws LarderError USAGE where there is none of that name. */
export function testedStore(name: string): TestedStore {
  const found = TESTED_STORES.find((store) => store.name === name);
  if (found !== undefined) return found;
  const names = TESTED_STORES.map((store) => store.name).join(", ");
  throw new LarderError("USAGE", { what: `"${name}" is no store for load tests`, remedy: `Use one of ${names}` });
}
