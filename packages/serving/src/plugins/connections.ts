import type { Socket } from "node:net";
import { Server as TlsServer } from "node:tls";
import type { FastifyInstance } from "fastify";

/** How long requests may finish after `app.close()`, in milliseconds; then their connections are cut. Store calls end long before. */
const DRAIN_MS = 5_000;

/**
 * Lets `app.close()` end within {@link DRAIN_MS}: connections without a request are ended at once, the others when their answer is sent. Node
 * alone would wait for ever for a client that connected and says nothing, since it stops looking for timeouts when it closes.
 */
export function registerConnections(app: FastifyInstance): void {
  const requests = new Map<Socket, number>();
  /** Under TLS: connections that are still shaking hands, by the client's end, which both sockets of a connection tell alike. */
  const shaking = new Map<string, Socket>();
  const secure = app.server instanceof TlsServer;
  let closing = false;
  let deadline: NodeJS.Timeout | undefined;
  app.server.on(secure ? "secureConnection" : "connection", (socket: Socket) => {
    requests.set(socket, 0);
    shaking.delete(endOf(socket));
    socket.once("close", () => requests.delete(socket));
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
  app.server.on("request", ({ socket }, response) => {
    requests.set(socket, (requests.get(socket) ?? 0) + 1);
    response.once("close", () => {
      const left = (requests.get(socket) ?? 1) - 1;
      if (requests.has(socket)) requests.set(socket, left);
      if (closing && left === 0) socket.end();
    });
  });
  app.addHook("preClose", async () => {
    closing = true;
    for (const [socket, active] of requests) if (active === 0) socket.destroy();
    for (const socket of shaking.values()) socket.destroy();
    deadline = setTimeout(() => {
      for (const socket of requests.keys()) socket.destroy();
    }, DRAIN_MS);
  });
  app.addHook("onClose", async () => clearTimeout(deadline));
}

function endOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
