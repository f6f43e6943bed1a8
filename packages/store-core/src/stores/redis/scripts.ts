import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { isFailure, type RedisConnection, type Reply, type ReplyFailure, type Wait } from "./connection.ts";
import type { RedisCommand } from "./wire-command.ts";

/** A Lua script: what it takes and answers is said at the head of its file in scripts/. */
export interface Script {
  readonly text: string;
  readonly sha: string;
  readonly readOnly: boolean;
}

/** A run of a script with its KEYS and ARGV. */
export interface ScriptRun {
  readonly script: Script;
  readonly keys: readonly (string | Buffer)[];
  readonly args: readonly (string | Buffer)[];
}

export const gather = script("gather.lua", true);
export const putRows = script("put-rows.lua", false);
export const removeRows = script("remove-rows.lua", false);
export const deleteRows = script("delete-rows.lua", false);
export const feastPut = script("feast-put.lua", false);
export const feastDelete = script("feast-delete.lua", false);
export const announce = script("announce.lua", false);
export const putMeta = script("put-meta.lua", false);

/**
 * Sends commands and script runs in one round trip. Scripts go by their hash; a server that does not know one (restarted, failed over, told to
 * forget) has done nothing for that run and gets the text in a second round trip.
 */
export async function run(
  connection: RedisConnection,
  steps: readonly (RedisCommand | ScriptRun)[],
  wait: Wait,
): Promise<readonly (Reply | ReplyFailure)[]> {
  const replies = await connection.exchange(steps.map(byHash), wait);
  if (!replies.some(isUnknownScript)) return replies;
  const missing = replies.flatMap((reply, index) => (isUnknownScript(reply) ? [index] : []));
  const texts = missing.map((index) => scriptCommand(steps[index] as ScriptRun, "EVAL"));
  const late = await connection.exchange(texts, wait);
  const all = [...replies];
  for (const [at, index] of missing.entries()) all[index] = late[at] as Reply | ReplyFailure;
  return all;
}

/** Sends one step. @throws the error that Redis replied, too */
export async function runOne(connection: RedisConnection, step: RedisCommand | ScriptRun, wait: Wait): Promise<Reply> {
  const [reply] = await run(connection, [step], wait);
  if (isFailure(reply)) throw reply.error;
  return reply as Reply;
}

function isUnknownScript(reply: Reply | ReplyFailure): boolean {
  return isFailure(reply) && reply.code === "NOSCRIPT";
}

function byHash(step: RedisCommand | ScriptRun): RedisCommand {
  return "script" in step ? scriptCommand(step, "EVALSHA") : step;
}

function scriptCommand({ script, keys, args }: ScriptRun, verb: "EVALSHA" | "EVAL"): RedisCommand {
  const name = script.readOnly ? `${verb}_RO` : verb;
  return [name, [verb === "EVALSHA" ? script.sha : script.text, String(keys.length), keys, args]];
}

/** The files lie in the package's src, also for what runs from its dist: package.json maps the name. */
function script(file: string, readOnly: boolean): Script {
  const text = readFileSync(fileURLToPath(import.meta.resolve(`#redis-scripts/${file}`)), "utf8");
  return { text, sha: createHash("sha1").update(text).digest("hex"), readOnly };
}
