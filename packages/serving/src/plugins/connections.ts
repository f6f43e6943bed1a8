import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Server as TlsServer } from "node:tls";
import type { FastifyInstance } from "fastify";

/** How long requests may finish after `app.close()`, in milliseconds; then their connections are cut. Store calls end long before. */
const DRAIN_MS = 5_000;

/**
 * How long `app.close()` lets connections without a request stay open, in milliseconds: a client that was just answered may have sent its next
 * request already, and would be cut off. Whoever sends one in this time is answered, and told that the connection ends.
 */
const IDLE_MS = 250;

/**
 * Ends connections without losing a request. From `stopping` on, and while the app closes, every answer says `connection: close`. `app.close()` ends
 * within {@link IDLE_MS} and {@link DRAIN_MS}: Node alone would wait for ever for a client that connected and says nothing, since it stops looking
 * for timeouts when it closes.
 */
export function registerConnections(app: FastifyInstance, stopping: AbortSignal | undefined): void {
  /** Unfinished answers by connection. */
  const open = new Map<Socket, Set<ServerResponse>>();
  /** Under TLS: connections that are still shaking hands, by the client's end, which both sockets of a connection tell alike. */
  const shaking = new Map<string, Socket>();
  const secure = app.server instanceof TlsServer;
  let closing = stopping?.aborted === true;
  let deadline: NodeJS.Timeout | undefined;
  let onChange = () => {};
  app.server.on(secure ? "secureConnection" : "connection", (socket: Socket) => {
    open.set(socket, new Set());
    shaking.delete(endOf(socket));
    socket.once("close", () => {
      open.delete(socket);
      onChange();
    });
  });
  if (secure) {
    app.server.on("connection", (socket: Socket) => {
      const end = endOf(socket);
      shaking.set(end, socket);
      socket.once("close", () => {
        if (shaking.get(end) === socket) shaking.delete(end);
      });
    });
  }
  // Before the app's own listener, which may answer at once.
  app.server.prependListener("request", ({ socket }, response: ServerResponse) => {
    const answers = open.get(socket);
    answers?.add(response);
    if (closing) response.shouldKeepAlive = false;
    response.on("close", () => {
      answers?.delete(response);
      // What had sent its header before the end began did not say it.
      if (closing && answers?.size === 0) socket.end();
      onChange();
    });
  });

  function beginClosing(): void {
    closing = true;
    for (const answers of open.values()) {
      for (const response of answers) if (!response.headersSent) response.shouldKeepAlive = false;
    }
  }

  stopping?.addEventListener("abort", beginClosing, { once: true });
  app.addHook("preClose", async () => {
    beginClosing();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, IDLE_MS);
      onChange = () => {
        if (idle(open).length > 0) return;
        clearTimeout(timer);
        resolve();
      };
      onChange();
    });
    for (const socket of idle(open)) socket.destroy();
    for (const socket of shaking.values()) socket.destroy();
    deadline = setTimeout(() => {
      for (const socket of open.keys()) socket.destroy();
    }, DRAIN_MS);
  });
  app.addHook("onClose", async () => {
    clearTimeout(deadline);
    stopping?.removeEventListener("abort", beginClosing);
  });
}

function idle(open: ReadonlyMap<Socket, ReadonlySet<ServerResponse>>): readonly Socket[] {
  return [...open].flatMap(([socket, answers]) => (answers.size === 0 ? [socket] : []));
}

function endOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
