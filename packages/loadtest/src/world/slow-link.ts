import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { LOOPBACK, type TcpTarget } from "@larder/testkit";
import type { LinkOrder } from "./slow-link-thread.ts";

/** The road from the server to its store. */
export interface SlowLink extends AsyncDisposable {
  /** `host:port` of its near end. */
  readonly address: string;
  readonly port: number;
  /** Answers come so many milliseconds later. Ends `cut` and `hang`. */
  delay(ms: number): void;
  /** Ends every connection, new ones too. */
  cut(): void;
  /** Takes what is sent and answers nothing. */
  hang(): void;
}

/** Opens a road to a server on this machine, in a thread of its own. */
export async function openSlowLink(target: TcpTarget): Promise<SlowLink> {
  const thread = new Worker(new URL("./slow-link-thread.ts", import.meta.url), { workerData: target });
  const [port] = (await once(thread, "message")) as [number];
  const tell = (order: LinkOrder) => thread.postMessage(order);
  return {
    address: `${LOOPBACK}:${port}`,
    port,
    delay: (ms) => tell({ kind: "delay", ms }),
    cut: () => tell({ kind: "cut" }),
    hang: () => tell({ kind: "hang" }),
    async [Symbol.asyncDispose]() {
      const ended = once(thread, "exit");
      tell({ kind: "close" });
      await ended;
    },
  };
}
