import { isFailure, type RedisConnection, type Reply, type ReplyFailure, type Wait } from "./connection.ts";
import { keySlot } from "./key-slot.ts";
import { run, type ScriptRun } from "./scripts.ts";

/** What one run of a script answered for some of the keys. */
export interface PartReply {
  /** Places of the keys it ran over. */
  readonly indexes: readonly number[];
  readonly reply: Reply;
}

/**
 * Runs a script over any number of keys: once where one server has them all, once per slot in a cluster. A slot that is on its way from one node to
 * another takes only single keys; its run is then split. All runs are made before the first failure is thrown.
 * @param runOf makes the run for the keys at some places
 */
export async function runOverKeys(
  connection: RedisConnection,
  keys: readonly (string | Buffer)[],
  runOf: (indexes: readonly number[]) => ScriptRun,
  wait: Wait,
): Promise<readonly PartReply[]> {
  const parts = connection.sharded ? bySlot(keys) : [keys.map((_, index) => index)];
  const replies = await run(connection, parts.map(runOf), wait);
  const split = parts.filter((part, at) => part.length > 1 && isOnItsWay(replies[at]));
  const singles = split.flat().map((index) => [index]);
  const late = singles.length === 0 ? [] : await run(connection, singles.map(runOf), wait);
  const done: PartReply[] = [];
  for (const [part, reply] of [...zip(parts, replies), ...zip(singles, late)]) {
    if (split.includes(part)) continue;
    if (isFailure(reply)) throw reply.error;
    done.push({ indexes: part, reply });
  }
  return done;
}

function bySlot(keys: readonly (string | Buffer)[]): number[][] {
  const parts = new Map<number, number[]>();
  for (const [index, key] of keys.entries()) {
    const slot = keySlot(key);
    const part = parts.get(slot);
    if (part === undefined) parts.set(slot, [index]);
    else part.push(index);
  }
  return [...parts.values()];
}

function isOnItsWay(reply: Reply | ReplyFailure | undefined): boolean {
  return isFailure(reply) && reply.code === "TRYAGAIN";
}

function zip<A, B>(left: readonly A[], right: readonly B[]): [A, B][] {
  return left.map((each, at) => [each, right[at] as B]);
}
