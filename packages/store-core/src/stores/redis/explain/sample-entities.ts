import type { Pace } from "../../../upkeep/pace.ts";
import { isFailure, type Reply, type ReplyFailure } from "../connection.ts";
import type { SampledKey } from "../sample-keys.ts";
import type { NextWait } from "../scan-rows.ts";
import type { RedisCommand } from "../wire-command.ts";
import { rightMissing } from "./server-memory.ts";

/** Entities of one step: about half a millisecond of Redis's one thread, in many short commands. */
const STEP = 50;

/** A hash above this is weighed, but not read. */
const MOST_READ_BYTES = 256 * 1024;

/** What was seen of one entity's hash. */
export interface SampledEntity {
  readonly key: Buffer;
  /** By MEMORY USAGE, all its elements counted. */
  readonly usage: number;
  readonly encoding: "listpack" | "hashtable";
  readonly expires: boolean;
  /** Names and values; undefined for a hash too large to be read. */
  readonly fields: readonly (readonly [name: Buffer, value: Buffer])[] | undefined;
}

/**
 * Weighs and reads some entities in small steps, resting in between. Keys that are gone or moved meanwhile, and keys that hold no hash, are left out.
 * @throws STORE_MISCONFIGURED where the user may not ask for sizes
 */
export async function* sampleEntities(
  keys: readonly SampledKey[],
  pace: Pace,
  nextWait: NextWait,
): AsyncGenerator<SampledEntity> {
  for (const [primary, sampled] of Map.groupBy(keys, (each) => each.primary)) {
    const ask = async (commands: readonly RedisCommand[]) =>
      (await primary.exchange(commands, nextWait())).map((reply) => answerOf(reply, primary.server));
    for (let at = 0; at < sampled.length; at += STEP) {
      const step = sampled.slice(at, at + STEP).map(({ key }) => key);
      const facts = await ask(
        step.flatMap((key): RedisCommand[] => [
          ["MEMORY", ["USAGE", key, "SAMPLES", "0"]],
          ["OBJECT", ["ENCODING", key]],
          ["PEXPIRETIME", [key]],
        ]),
      );
      const found = step.flatMap((key, index) => weighed(key, facts.slice(3 * index, 3 * index + 3)));
      const small = found.filter(({ usage }) => usage <= MOST_READ_BYTES);
      const values = await ask(small.map(({ key }) => ["HGETALL", [key]]));
      for (const entity of found) {
        const reply = entity.usage > MOST_READ_BYTES ? undefined : values[small.indexOf(entity)];
        const fields = Array.isArray(reply) ? pairs(reply) : undefined;
        if (fields?.length !== 0) yield { ...entity, fields };
      }
      await pace.rest();
    }
  }
}

/** What a failure means that concerns one key only: nothing is known of it. */
function answerOf(reply: Reply | ReplyFailure, server: string): Reply {
  if (!isFailure(reply)) return reply;
  // OBJECT ENCODING of a missing key is an error in some versions.
  if (["WRONGTYPE", "MOVED", "ASK"].includes(reply.code) || reply.text.includes("no such key")) return null;
  throw rightMissing(reply, server);
}

function weighed(key: Buffer, [usage, encoding, expiry]: readonly Reply[]): Omit<SampledEntity, "fields">[] {
  const name = String(encoding);
  if (typeof usage !== "number" || (name !== "listpack" && name !== "hashtable")) return [];
  return [{ key, usage, encoding: name, expires: typeof expiry === "number" && expiry > 0 }];
}

function pairs(cells: readonly Reply[]): (readonly [Buffer, Buffer])[] {
  const found: (readonly [Buffer, Buffer])[] = [];
  for (let at = 0; at + 1 < cells.length; at += 2) {
    const [name, value] = [cells[at], cells[at + 1]];
    // Copies: slices of the reply would keep alive all that the socket brought with it.
    if (Buffer.isBuffer(name) && Buffer.isBuffer(value)) found.push([Buffer.from(name), Buffer.from(value)]);
  }
  return found;
}
