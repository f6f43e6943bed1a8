import { once } from "node:events";
import { connect } from "node:net";
import { within } from "./deadline.ts";
import { LOOPBACK } from "./free-port.ts";

/** What a server replies; bulk strings are decoded as latin1. */
export type RedisReply = string | number | null | readonly RedisReply[];

/**
 * Sends one command over a connection of its own, to set servers up without a client library. Bytes go as they are. An error reply throws its text.
 */
export async function redisCommand(
  port: number,
  ...args: readonly (string | number | Uint8Array)[]
): Promise<RedisReply> {
  const socket = connect(port, LOOPBACK);
  try {
    await within(WAIT_MS, () => `a connection to port ${port}`, once(socket, "connect"));
    const all = args.map((arg) => (arg instanceof Uint8Array ? arg : Buffer.from(String(arg))));
    const parts = all.flatMap((arg) => [Buffer.from(`$${arg.length}\r\n`), arg, Buffer.from("\r\n")]);
    socket.write(Buffer.concat([Buffer.from(`*${all.length}\r\n`), ...parts]));
    return await within(WAIT_MS, () => `the reply to ${args[0]} from port ${port}`, readReply(socket));
  } finally {
    socket.destroy();
  }
}

const WAIT_MS = 10_000;

async function readReply(socket: AsyncIterable<Buffer>): Promise<RedisReply> {
  let text = "";
  for await (const chunk of socket) {
    text += chunk.toString("latin1");
    const parsed = parse(text, 0);
    if (parsed !== undefined) return parsed.reply;
  }
  throw new Error(`The server closed the connection after ${JSON.stringify(text)}.`);
}

/** One reply of RESP 2 from `at` on, or undefined while some of it is missing. */
function parse(text: string, at: number): { reply: RedisReply; end: number } | undefined {
  const stop = text.indexOf("\r\n", at);
  if (stop < 0) return undefined;
  const kind = text[at];
  const line = text.slice(at + 1, stop);
  const end = stop + 2;
  if (kind === "+") return { reply: line, end };
  if (kind === "-") throw new Error(line);
  const number = Number(line);
  if (kind === ":") return { reply: number, end };
  if (number < 0) return { reply: null, end };
  if (kind === "$") {
    return text.length < end + number + 2 ? undefined : { reply: text.slice(end, end + number), end: end + number + 2 };
  }
  const items: RedisReply[] = [];
  let next = end;
  while (items.length < number) {
    const item = parse(text, next);
    if (item === undefined) return undefined;
    items.push(item.reply);
    next = item.end;
  }
  return { reply: items, end: next };
}
