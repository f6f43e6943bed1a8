import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import type { S3Server } from "@larder/testkit";

/** What happens to one request: it goes on, is answered `SlowDown`, breaks after so many bytes of the answer at least, or is never answered. */
export type Fault = "none" | "slow_down" | "silence" | { readonly breakAfter: number };

/** A road to an S3 server on which a test decides over each request. */
export interface HttpFaults {
  readonly endpoint: string;
  /** Method and path of every request so far. */
  readonly seen: string[];
  /** Decides over the requests to come. */
  decide(fault: (request: IncomingMessage) => Fault | Promise<Fault>): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts the road, with nothing wrong. */
export async function startHttpFaults(server: S3Server): Promise<HttpFaults> {
  let decide: (request: IncomingMessage) => Fault | Promise<Fault> = () => "none";
  const seen: string[] = [];
  const road = createServer(async (from, to) => {
    seen.push(`${from.method} ${from.url}`);
    const fault = await decide(from);
    if (fault === "silence") return;
    if (fault === "slow_down") {
      from.resume();
      to.writeHead(503, { "content-type": "application/xml" });
      to.end("<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>");
      return;
    }
    // The signature covers the host that the client knows, so headers go on as they are.
    const { method, url: path, headers } = from;
    const onward = request({ host: server.host, port: server.port, method, path, headers }, (answer) => {
      to.writeHead(answer.statusCode ?? 500, answer.headers);
      let left = typeof fault === "object" ? fault.breakAfter : Number.POSITIVE_INFINITY;
      answer.on("data", (chunk: Buffer) => {
        to.write(chunk.subarray(0, Math.max(0, left)));
        left -= chunk.length;
        // What was written arrives; the rest of what the head promised never does.
        if (left <= 0) to.socket?.destroySoon();
      });
      answer.on("end", () => to.end());
      answer.on("error", () => to.destroy());
    });
    onward.on("error", () => to.destroy());
    to.on("close", () => onward.destroy());
    from.pipe(onward);
  });
  road.listen(0, "127.0.0.1");
  await once(road, "listening");
  return {
    endpoint: `http://127.0.0.1:${(road.address() as AddressInfo).port}`,
    seen,
    decide: (fault) => {
      decide = fault;
    },
    [Symbol.asyncDispose]: async () => {
      road.closeAllConnections();
      road.close();
      await once(road, "close");
    },
  };
}
