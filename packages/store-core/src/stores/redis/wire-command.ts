import { Command } from "ioredis";

/**
 * A command: its name, in capitals, and its arguments, also in lists. ioredis reshapes arguments and replies of names it knows, which are in small
 * letters. Rows go as Buffers, since it would send other bytes as text.
 */
export type RedisCommand = readonly [name: string, args: readonly (Argument | readonly Argument[])[]];
type Argument = string | Buffer;

/** A command as ioredis sends it, once; replies stay bytes. */
export function toIoredis([name, args]: RedisCommand): WireCommand {
  return new WireCommand(name, args);
}

/**
 * Writes its own bytes, in one pass: reading a hundred keys costs a third of what ioredis takes for it. It also keeps the arguments out of ioredis,
 * which would hang them, entity keys among them, on its errors.
 */
class WireCommand extends Command {
  /** Bytes that are held until the answer comes, about. */
  readonly weight: number;
  #wire: string | Buffer;

  constructor(name: string, args: RedisCommand[1]) {
    super(name, [], AS_BYTES);
    this.#wire = encode(name, args);
    this.weight = this.#wire.length + OBJECT_BYTES;
  }

  override toWritable(): string | Buffer {
    const wire = this.#wire;
    this.#wire = "";
    return wire;
  }
}

const AS_BYTES = { replyEncoding: null };

/** What a command takes besides its bytes: promises, closures, its place in the queue. */
const OBJECT_BYTES = 1_000;

/** RESP's form of a command: an array of bulk strings (redis.io/docs, protocol specification). */
function encode(name: string, args: RedisCommand[1]): string | Buffer {
  const all = [name, ...args.flat()];
  return encodeText(all) ?? encodeMixed(all);
}

/** A command of ASCII alone, as keys, fields and scripts are: its characters are its bytes. Undefined for any other. */
function encodeText(all: readonly Argument[]): string | undefined {
  let text = `*${all.length}\r\n`;
  for (let i = 0; i < all.length; i++) {
    const arg = all[i] as Argument;
    if (typeof arg !== "string") return undefined;
    text += `$${arg.length}\r\n${arg}\r\n`;
  }
  return Buffer.byteLength(text) === text.length ? text : undefined;
}

function encodeMixed(all: readonly Argument[]): Buffer {
  const chunks: Buffer[] = [];
  let text = `*${all.length}\r\n`;
  for (const arg of all) {
    if (typeof arg === "string") {
      text += `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`;
    } else {
      chunks.push(Buffer.from(`${text}$${arg.length}\r\n`), arg);
      text = "\r\n";
    }
  }
  return Buffer.concat([...chunks, Buffer.from(text)]);
}
