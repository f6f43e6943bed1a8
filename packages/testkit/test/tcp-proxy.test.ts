import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LOOPBACK, startTcpProxy, type TcpProxy } from "../src/index.ts";

/** Sends back what it gets, and keeps what it got. */
let echo: Server;
let proxy: TcpProxy;
let received: string;

beforeEach(async () => {
  received = "";
  echo = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      received += bytes.toString();
      socket.write(bytes);
    });
  });
  echo.listen(0, LOOPBACK);
  await once(echo, "listening");
  proxy = await startTcpProxy({ host: LOOPBACK, port: (echo.address() as AddressInfo).port });
});

afterEach(async () => {
  await proxy.close();
  if (echo.listening) await new Promise((resolve) => echo.close(resolve));
});

async function client(): Promise<Socket> {
  const socket = connect(proxy.port, proxy.host).setEncoding("utf8");
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** The error that a socket ends with. */
function failure(socket: Socket): Promise<Error> {
  return new Promise((resolve) => socket.once("error", resolve));
}

/** Collects what a socket gets until it is as long as `length`. */
function read(socket: Socket, length: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const onData = (piece: string) => {
      text += piece;
      if (text.length < length) return;
      socket.off("data", onData);
      resolve(text);
    };
    socket.on("data", onData);
    socket.once("close", () => reject(new Error(`closed after ${JSON.stringify(text)}`)));
  });
}

test("an open road carries bytes both ways and counts its connections", async () => {
  const socket = await client();
  socket.write("hello");
  expect(await read(socket, 5)).toBe("hello");
  expect(proxy.connectionString).toBe(`127.0.0.1:${proxy.port}`);
  expect([proxy.connections, proxy.accepted]).toEqual([1, 1]);
  socket.end();
  await once(socket, "close");
});

test("the end of one side reaches the other, and then nothing is left", async () => {
  const socket = await client();
  socket.end("bye");
  expect(await read(socket, 3)).toBe("bye");
  await once(socket, "close");
  await expect.poll(() => proxy.connections).toBe(0);
});

test("a cut resets what is open and what comes, until the road is resumed", async () => {
  const socket = await client();
  socket.write("x");
  await read(socket, 1);
  const broken = once(socket, "error");
  proxy.cut();
  expect((await broken)[0]).toMatchObject({ code: "ECONNRESET" });
  const late = connect(proxy.port, proxy.host);
  const error = await failure(late);
  expect(error).toMatchObject({ code: "ECONNRESET" });
  proxy.resume();
  const again = await client();
  again.write("back");
  expect(await read(again, 4)).toBe("back");
  expect(proxy.accepted).toBe(3);
});

test("a hung road takes connections and bytes and delivers them in order when it is resumed", async () => {
  const early = await client();
  early.write("a");
  expect(await read(early, 1)).toBe("a");
  proxy.hang();
  early.write("b");
  const late = await client();
  late.write("c");
  // A round trip past the proxy, to the same server: time enough for anything that leaks through.
  const direct = connect((echo.address() as AddressInfo).port, LOOPBACK).setEncoding("utf8");
  direct.write("-");
  expect(await read(direct, 1)).toBe("-");
  direct.destroy();
  expect(received).toBe("a-");
  early.write("d");
  const answers = Promise.all([read(early, 2), read(late, 1)]);
  proxy.resume();
  expect(await answers).toEqual(["bd", "c"]);
});

test("a hung road backs up to the sender instead of growing", async () => {
  proxy.hang();
  const socket = await client();
  const megabyte = Buffer.alloc(1024 * 1024, "x");
  let flushed = true;
  for (let i = 0; i < 64 && flushed; i++) flushed = socket.write(megabyte);
  expect(flushed).toBe(false);
  expect(received).toBe("");
  socket.resetAndDestroy();
});

test("a road that holds answers alone brings what is asked, and the answers when it is whole again", async () => {
  const socket = await client();
  proxy.hang("answers");
  const direct = connect((echo.address() as AddressInfo).port, LOOPBACK).setEncoding("utf8");
  let answered = false;
  socket.once("data", () => {
    answered = true;
  });
  socket.write("a");
  while (!received.includes("a")) await new Promise((resolve) => setImmediate(resolve));
  // A round trip past the proxy: time enough for an answer that leaks through.
  direct.write("-");
  expect(await read(direct, 1)).toBe("-");
  direct.destroy();
  expect(answered).toBe(false);
  const answer = read(socket, 1);
  proxy.resume();
  expect(await answer).toBe("a");
});

test("a delayed road is late by the delay each way and keeps the order, also when the delay ends", async () => {
  const socket = await client();
  proxy.delay(40);
  const started = performance.now();
  socket.write("1");
  expect(await read(socket, 1)).toBe("1");
  expect(performance.now() - started).toBeGreaterThanOrEqual(79);
  proxy.delay(60_000);
  socket.write("2");
  await expect.poll(() => proxy.connections).toBe(1);
  proxy.delay(0);
  socket.write("3");
  expect(await read(socket, 2)).toBe("23");
});

test("a road that delays answers alone brings what is asked at once", async () => {
  const socket = await client();
  proxy.delay(60_000, "answers");
  socket.write("a");
  while (!received.includes("a")) await new Promise((resolve) => setImmediate(resolve));
  const answer = read(socket, 1);
  proxy.resume();
  expect(await answer).toBe("a");
});

test("a server that is not there is a broken connection, not a silent one", async () => {
  await new Promise((resolve) => echo.close(resolve));
  const socket = connect(proxy.port, proxy.host);
  const error = await failure(socket);
  expect(error).toMatchObject({ code: "ECONNRESET" });
});

test("a closed proxy refuses connections and may be closed again", async () => {
  const { port } = proxy;
  await proxy.close();
  await proxy.close();
  const socket = connect(port, LOOPBACK);
  const error = await failure(socket);
  expect(error).toMatchObject({ code: "ECONNREFUSED" });
});
