import type { RedisServer } from "@larder/testkit";
import { Redis } from "ioredis";
import type { Call } from "../../../src/call.ts";
import type { PutOutcome, RowSlices, RowStore, StoredRow } from "../../../src/row-store.ts";
import { openRedisRowStore } from "../../../src/stores/redis/redis-row-store.ts";

/** One project and tenant for tests that are not about either. */
export const SCOPE = { project: "churn", tenant: "default", view: "v" };

export const CALL: Call = { tenant: "default" };

/** A time well after any that tests write, in microseconds: rows must not expire while a test looks at them. */
export const NOW = Date.UTC(2100, 0, 1) * 1000;

type Config = Parameters<typeof openRedisRowStore>[0];

/** Opens a store on a server, with long deadlines, so that a slow machine fails no test that is not about them. */
export function openStore(
  { connectionString }: Pick<RedisServer, "connectionString">,
  changes: Partial<Config> = {},
): Promise<RowStore> {
  const config: Config = {
    type: "redis",
    connectionString,
    redisType: "redis",
    sentinelMaster: "larder",
    folder: "/",
    layout: "packed",
    gather: "script",
    readDeadlineMs: 10_000,
    writeDeadlineMs: 10_000,
    ...changes,
  };
  return openRedisRowStore(config, ["v"]);
}

/** A client of its own, to look at what is really stored and to put there what Larder would not. */
export async function rawClient(
  server: RedisServer,
  options: { readonly password?: string } = {},
): Promise<Redis & AsyncDisposable> {
  const client = new Redis({ host: server.host, port: server.port, lazyConnect: true, ...options });
  await client.connect();
  return Object.assign(client, {
    [Symbol.asyncDispose]: async () => {
      await client.quit();
    },
  });
}

/** What makes a row for {@link row}. */
export interface RowParts {
  readonly entityKey?: string;
  readonly eventTime?: number;
  readonly createdTime?: number;
  readonly expiresAt?: number;
  readonly tombstone?: boolean;
  /** What stands for the values: any bytes. */
  readonly values?: string;
}

const BIAS = 2n ** 55n;

/** A row in the order of the contract: event time, created time, tombstone, values. Written here by hand, apart from the product's encoder. */
export function row({
  entityKey = "1",
  eventTime = NOW,
  tombstone = false,
  values = "",
  ...times
}: RowParts): StoredRow {
  const bytes = Buffer.alloc(19 + values.length);
  bytes.write((BigInt(eventTime) + BIAS).toString(16).padStart(14, "0"), 0, "hex");
  if (times.createdTime !== undefined) {
    bytes.write((BigInt(times.createdTime) + BIAS).toString(16).padStart(14, "0"), 7, "hex");
  }
  bytes[14] = (tombstone ? 0x80 : 0) | 1;
  bytes.write("abcd", 15, "latin1");
  bytes.write(values, 19, "latin1");
  return { entityKey, eventTime, createdTime: times.createdTime, expiresAt: times.expiresAt, tombstone, bytes };
}

/** Writes rows one call each and answers their outcomes. */
export async function put(store: RowStore, ...rows: readonly StoredRow[]): Promise<PutOutcome[]> {
  const outcomes: PutOutcome[] = [];
  for (const each of rows) outcomes.push(...(await store.putIfNewer(SCOPE, [each], CALL)));
  return outcomes;
}

/** The cells of a read as hex, undefined where there is no row. */
export function cells(slices: RowSlices): (string | undefined)[] {
  return Array.from(slices.lengths, (length, cell) => {
    if (length < 0) return undefined;
    const { buffer, byteOffset } = slices.buffers[cell] as Uint8Array;
    return Buffer.from(buffer, byteOffset + (slices.offsets[cell] as number), length).toString("hex");
  });
}

/** Reads entities of one view. */
export async function get(
  store: RowStore,
  entityKeys: readonly string[],
  view = SCOPE.view,
): Promise<(string | undefined)[]> {
  const { project, tenant } = SCOPE;
  return cells(await store.get({ project, tenant, groups: [{ views: [view], entityKeys }] }, CALL));
}

export function hex(stored: StoredRow): string {
  return Buffer.from(stored.bytes).toString("hex");
}
