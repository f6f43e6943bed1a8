import { connect, type Socket } from "node:net";

/**
 * A keep-alive connection with one request under way. It writes bytes that are ready and looks at no more of an answer than it must, so that the
 * generator takes a small part of what it measures.
 */
export class HttpConnection {
  readonly #socket: Socket;
  #rest: Buffer | undefined;
  #onAnswer: ((head: string) => void) | undefined;
  #onEnd: ((error: Error) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (bytes) => this.#receive(bytes));
    socket.on("error", (error) => this.#onEnd?.(error));
    socket.on("close", () => this.#onEnd?.(new Error("The server closed a connection")));
  }

  static open(port: number): Promise<HttpConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new HttpConnection(socket));
      });
    });
  }

  /** Sends a whole request. `onAnswer` gets the head of its answer, once the body is there, too. */
  send(request: Buffer, onAnswer: (head: string) => void, onEnd: (error: Error) => void): void {
    this.#onAnswer = onAnswer;
    this.#onEnd = onEnd;
    this.#socket.write(request);
  }

  /** Ends it, without a word to whoever waits for an answer. */
  close(): void {
    this.#onEnd = undefined;
    this.#socket.destroy();
  }

  #receive(bytes: Buffer): void {
    const all = this.#rest === undefined ? bytes : Buffer.concat([this.#rest, bytes]);
    const end = all.indexOf("\r\n\r\n");
    const head = end < 0 ? undefined : all.toString("latin1", 0, end + 2);
    if (head === undefined || all.length < end + 4 + lengthOf(head)) {
      this.#rest = all;
      return;
    }
    this.#rest = undefined;
    this.#onAnswer?.(head);
  }
}

/** True of an answer 200. */
export function isFine(head: string): boolean {
  return head.startsWith("HTTP/1.1 200");
}

function lengthOf(head: string): number {
  const found = /\r\ncontent-length: (\d+)\r\n/i.exec(head);
  if (found === null) throw new Error(`An answer without content-length: ${head}`);
  return Number(found[1]);
}
