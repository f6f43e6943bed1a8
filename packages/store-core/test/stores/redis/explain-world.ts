import { type Definitions, findView, parseDefinitions, systemClock } from "@larder/schema";
import type { Redis } from "ioredis";
import { openOnlineStore } from "../../../src/index.ts";

/** Views `v0`, `v1` … of so many float32 features, keyed by an int64 `customer_id`. */
export interface Shape {
  readonly views: number;
  readonly features: number;
  /** Of each view in turn. */
  readonly ttls: readonly string[];
  /** Settings of online_store. */
  readonly settings?: string;
}

export function definitionsOf(connectionString: string, { views, features, ttls, settings = "" }: Shape): Definitions {
  const list = Array.from({ length: features }, (_, i) => `{ name: f${i}, type: float32 }`);
  const each = Array.from({ length: views }, (_, i) => {
    return `  - { name: v${i}, entity: customer, ttl: ${ttls[i % ttls.length]}, features: [${list}] }`;
  });
  return parseDefinitions(
    `project: shop
online_store: { type: redis, connection_string: "${connectionString}", deadline: 10s, write_deadline: 10s${settings} }
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
feature_views:
${each.join("\n")}
tenants: { default: {} ${settings.includes("feast") ? "" : ", acme: {}"} }
`,
    { file: "explain.yaml", env: {} },
  );
}

/** Event time of every row: a minute ago. */
export const EVENT_TIME = systemClock.now() - 60_000_000;

/** Writes a row of every view for customers `from` … `to` - 1. */
export async function fill(definitions: Definitions, to: number, from = 0, tenant = "default"): Promise<void> {
  await using store = await openOnlineStore(definitions, { clock: systemClock });
  for (const view of definitions.views.values()) {
    const rows = Array.from({ length: to - from }, (_, at) => ({
      entityKey: [BigInt(100_000 + from + at)],
      eventTime: EVENT_TIME,
      createdTime: undefined,
      values: view.features.map(({ index }) => Math.fround((from + at) * 1.25 + index)),
    }));
    await store.write(findView(definitions, view.name), rows, { tenant, deadline: performance.now() + 60_000 });
  }
}

/** Bytes that Redis has given out, in all, and to what is not the buffer of a client. */
export async function usedMemory(redis: Redis): Promise<{ readonly all: number; readonly data: number }> {
  const info = await redis.info("memory");
  const bytes = (name: string) => Number(new RegExp(`${name}:(\\d+)`).exec(info)?.[1]);
  return { all: bytes("used_memory"), data: bytes("used_memory") - bytes("mem_clients_normal") };
}

/** Difference of an estimate from the truth, relative. */
export function off(estimate: number, truth: number): number {
  return Math.abs(estimate / truth - 1);
}
