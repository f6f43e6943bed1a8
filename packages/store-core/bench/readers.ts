import { type Definitions, findFeature } from "@larder/schema";
import { createReadPlan, type EntityKeys, encodeEntityRows, type OnlineStore } from "../src/index.ts";
import { rowKey, tenantPrefix, viewField } from "../src/stores/redis/redis-keys.ts";
import { gather } from "../src/stores/redis/scripts.ts";
import { feastLayout, readFloatValue } from "./feast-layout.ts";
import type { Contender } from "./measure.ts";
import { EVENT_TIME, featureValue, type RedisWorld, type Shape } from "./redis-world.ts";

/** Where the values of a row of ten features start: 20 bytes of header, 3 of states (docs/adr/0001-rows-that-sort.md). */
const VALUES_AT = 23;

/** What the readers read: the first so many views of so many customers, all of them filled. */
export interface Reading {
  readonly entities: number;
  readonly views: number;
  readonly customers: number;
}

/**
 * Writes the same values in Feast's layout, and the packed bytes once more under plain strings (`s:<view>:<customer>`), for the layouts that were not taken.
 */
export async function fillOtherLayouts({ redis }: RedisWorld, { views, features }: Shape, customers: number) {
  const prefix = tenantPrefix("bench", "default");
  const feast = Array.from({ length: views }, (_, view) => feastLayout("bench", `v${view}`, names(features)));
  const seconds = Math.floor(EVENT_TIME / 1e6);
  for (let customer = 0; customer < customers; customer++) {
    const pipeline = redis.pipeline();
    for (const [view, layout] of feast.entries()) {
      const values = Float32Array.from({ length: features }, (_, feature) => featureValue(customer, view, feature));
      pipeline.hset(layout.key(customer), ...layout.row(values, seconds));
      const packed = await redis.hgetBuffer(rowKey(prefix, String(customer)), viewField(`v${view}`));
      pipeline.set(`s:${view}:${customer}`, packed ?? "");
    }
    await pipeline.exec();
  }
}

/**
 * Readers of the same N entities x M views x 10 float32 features into a Float32Array of N rows. `Larder` goes through OnlineStore; the others are
 * the least that can be written with ioredis, and check nothing.
 */
export function readers(
  { redis }: RedisWorld,
  { features }: Shape,
  { entities, views, customers }: Reading,
  stores: readonly { readonly name: string; readonly store: OnlineStore; readonly definitions: Definitions }[],
): readonly Contender<Float32Array>[] {
  const width = views * features;
  const requests = Array.from({ length: 97 }, (_, turn) =>
    Array.from({ length: entities }, (_, i) => (turn * 131 + i * 53) % customers),
  );
  const idsAt = (turn: number) => requests[turn % requests.length] as readonly number[];
  const prefix = tenantPrefix("bench", "default");
  const fields = Array.from({ length: views }, (_, view) => viewField(`v${view}`));
  // Keys are ready for every reader: from ids to keys is the same work for all.
  const keys = requests.map((ids) => ids.map((id) => `${prefix}{${id}}`));
  const keysAt = (turn: number) => keys[turn % keys.length] as readonly string[];
  const call = { tenant: "default" };

  const fillRow = (out: Float32Array, row: number, view: number, bytes: DataView, at: number) => {
    const from = row * width + view * features;
    for (let i = 0; i < features; i++) out[from + i] = bytes.getFloat32(at + VALUES_AT + 4 * i, true);
  };
  const empty = () => new Float32Array(entities * width);

  const larder = stores.map(({ name, store, definitions }): Contender<Float32Array> => {
    const refs = Array.from({ length: views }, (_, view) => names(features).map((name) => `v${view}:${name}`)).flat();
    const plan = createReadPlan(
      definitions,
      refs.map((ref) => findFeature(definitions, ref)),
      { fullFeatureNames: true },
    );
    const encoded = requests.map((ids) =>
      encodeEntityRows(
        plan,
        ids.map((customer_id) => ({ customer_id })),
      ),
    );
    return {
      name,
      call: async (turn) => {
        const batch = await store.read(plan, encoded[turn % encoded.length] as EntityKeys, call);
        const out = empty();
        for (let column = 0; column < width; column++) batch.fillFloat32(column, out, column, width);
        return out;
      },
    };
  });

  const byScript: Contender<Float32Array> = {
    name: "by hand: same script",
    call: async (turn) => {
      const reply = (await redis.callBuffer("EVALSHA_RO", gather.sha, entities, ...keysAt(turn), ...fields)) as Buffer;
      const out = empty();
      const bytes = viewOf(reply);
      let at = arrayHeader(entities);
      for (let row = 0; row < entities; row++) {
        if (views > 1) at += arrayHeader(views);
        for (let view = 0; view < views; view++) {
          // Rows are of 63 bytes, str 8 in MessagePack: two bytes and the row.
          fillRow(out, row, view, bytes, at + 2);
          at += 2 + bytes.getUint8(at + 1);
        }
      }
      return out;
    },
  };
  const byPipeline: Contender<Float32Array> = {
    name: entities === 1 ? "by hand: HMGET" : "by hand: HMGET pipeline",
    call: async (turn) => {
      const out = empty();
      const fillAll = (row: number, cells: readonly (Buffer | null)[]) => {
        for (let view = 0; view < views; view++) fillRow(out, row, view, viewOf(cells[view] as Buffer), 0);
      };
      if (entities === 1) {
        fillAll(0, await redis.hmgetBuffer(keysAt(turn)[0] as string, ...fields));
        return out;
      }
      const pipeline = redis.pipeline();
      for (const key of keysAt(turn)) pipeline.hmgetBuffer(key, ...fields);
      const replies = (await pipeline.exec()) ?? [];
      for (let row = 0; row < entities; row++) fillAll(row, replies[row]?.[1] as (Buffer | null)[]);
      return out;
    },
  };
  const strings: Contender<Float32Array> = {
    name: "strings: MGET",
    call: async (turn) => {
      const wanted: string[] = [];
      for (const id of idsAt(turn)) for (let view = 0; view < views; view++) wanted.push(`s:${view}:${id}`);
      const replies = await redis.mgetBuffer(wanted);
      const out = empty();
      for (const [cell, bytes] of replies.entries()) {
        fillRow(out, Math.floor(cell / views), cell % views, viewOf(bytes as Buffer), 0);
      }
      return out;
    },
  };
  const layouts = Array.from({ length: views }, (_, view) => feastLayout("bench", `v${view}`, names(features)));
  const feastFields = layouts.flatMap((layout) => layout.fields);
  const feast: Contender<Float32Array> = {
    name: "Feast's layout: HMGET pipeline",
    call: async (turn) => {
      const pipeline = redis.pipeline();
      for (const id of idsAt(turn)) pipeline.hmgetBuffer(layouts[0]?.key(id) as Buffer, ...feastFields);
      const replies = (await pipeline.exec()) ?? [];
      const out = empty();
      for (let row = 0; row < entities; row++) {
        const values = replies[row]?.[1] as (Buffer | null)[];
        for (let view = 0; view < views; view++) {
          for (let i = 0; i < features; i++) {
            const value = readFloatValue(values[view * (features + 1) + i] as Buffer | null);
            out[row * width + view * features + i] = value;
          }
        }
      }
      return out;
    },
  };
  // One entity needs no script: the plain command costs the same.
  return [...larder, ...(entities === 1 ? [] : [byScript]), byPipeline, strings, feast].map((each) =>
    proved(each, idsAt, (id) => rowOf(id, views, features)),
  );
}

/** The contender, which fails in its first turns when it reads other values than were written. */
function proved(
  { name, call }: Contender<Float32Array>,
  idsAt: (turn: number) => readonly number[],
  rowOfId: (id: number) => number[],
): Contender<Float32Array> {
  let left = 3;
  return {
    name,
    call: async (turn) => {
      const out = await call(turn);
      if (left > 0) {
        left--;
        const wanted = Float32Array.from(idsAt(turn).flatMap(rowOfId));
        if (Buffer.compare(Buffer.from(out.buffer), Buffer.from(wanted.buffer)) !== 0) {
          throw new Error(`${name} reads other values than were written`);
        }
      }
      return out;
    },
  };
}

function rowOf(customer: number, views: number, features: number): number[] {
  return Array.from({ length: views * features }, (_, i) =>
    featureValue(customer, Math.floor(i / features), i % features),
  );
}

function names(features: number): string[] {
  return Array.from({ length: features }, (_, i) => `f${i}`);
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Bytes of a MessagePack array's header. */
function arrayHeader(length: number): number {
  return length < 16 ? 1 : 3;
}
