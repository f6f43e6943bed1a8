import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { isLarderError, LarderError } from "@larder/schema";
import { expect, test } from "vitest";
import { createClient } from "../src/index.ts";

const WRITTEN = JSON.stringify({ views: [], ignored_columns: [] });
const ROWS = [{ id: 1 }];
const KEY = "lk_secret_0123456789";

test("an answer that says later is asked for again, and the second one counts", async () => {
  await using server = await answering((_, response, count) =>
    count === 1 ? refuse(response, 503, "STORE_UNAVAILABLE", { "retry-after": "0" }) : response.end(WRITTEN),
  );
  const client = createClient({ url: server.url, deadlineMs: 20_000 });
  expect(await client.push("people", ROWS)).toEqual({ views: [], ignored_columns: [] });
  expect(server.requests).toBe(2);
});

test("what the caller got wrong is not repeated", async () => {
  await using server = await answering((_, response) => refuse(response, 422, "INVALID_ROWS"));
  const client = createClient({ url: server.url, deadlineMs: 20_000 });
  await expect(client.push("people", ROWS)).rejects.toMatchObject({
    code: "INVALID_ROWS",
    facts: { status: 422, request_id: "r1" },
  });
  expect(server.requests).toBe(1);
});

test("a status of a proxy, without a body of ours, is judged by itself", async () => {
  await using server = await answering((_, response) => response.writeHead(502).end("<html>bad gateway</html>"));
  const client = createClient({ url: server.url, deadlineMs: 20_000, retries: { attempts: 2 } });
  await expect(client.push("people", ROWS)).rejects.toMatchObject({
    code: "REQUEST_FAILED",
    facts: { status: 502 },
    retryable: true,
  });
  expect(server.requests).toBe(2);
});

test("a server in trouble is not met with a storm: the budget ends retries, and successes give it back", async () => {
  let well = false;
  await using server = await answering((_, response) =>
    well ? response.end(WRITTEN) : refuse(response, 503, "STORE_UNAVAILABLE", { "retry-after": "0" }),
  );
  const client = createClient({ url: server.url, deadlineMs: 20_000, retries: { attempts: 3, budget: 10 } });
  for (let call = 0; call < 20; call++) await client.push("people", ROWS).catch(() => "refused");
  // 5 tokens go for five attempts, of which two and one more are retries; every later call is sent once.
  const sent = server.requests;
  expect(sent).toBeLessThanOrEqual(24);
  expect(sent).toBeGreaterThan(20);

  well = true;
  for (let call = 0; call < 80; call++) await client.push("people", ROWS);
  well = false;
  const before = server.requests;
  await client.push("people", ROWS).catch(() => "refused");
  expect(server.requests - before, "attempts once the budget is back").toBe(3);
});

test("a deadline ends the call, its retries and the wait for a server that says nothing", async () => {
  await using server = await answering(() => undefined);
  const client = createClient({ url: server.url, deadlineMs: 60_000 });
  await expect(client.push("people", ROWS, { deadlineMs: 50 })).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
});

test("a wait longer than what is left is not begun", async () => {
  await using server = await answering((_, response) =>
    refuse(response, 429, "RATE_LIMITED", { "retry-after": "3600" }),
  );
  const client = createClient({ url: server.url, deadlineMs: 30_000 });
  await expect(client.push("people", ROWS)).rejects.toMatchObject({ code: "RATE_LIMITED" });
  expect(server.requests).toBe(1);
});

test("an abort ends the call with ABORTED, before it and during it", async () => {
  const asked = Promise.withResolvers<void>();
  await using server = await answering(() => asked.resolve());
  const client = createClient({ url: server.url, deadlineMs: 60_000 });
  await expect(client.push("people", ROWS, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ABORTED" });
  expect(server.requests).toBe(0);
  const controller = new AbortController();
  const pushing = client.push("people", ROWS, { signal: controller.signal });
  await asked.promise;
  controller.abort();
  await expect(pushing).rejects.toMatchObject({ code: "ABORTED" });
});

test("a server that is not there is SERVER_UNAVAILABLE", async () => {
  const { url, [Symbol.asyncDispose]: stop } = await answering(() => undefined);
  await stop();
  const failed = await createClient({ url, deadlineMs: 20_000 })
    .push("people", ROWS)
    .catch((error: unknown) => error);
  expect(failed).toMatchObject({
    code: "SERVER_UNAVAILABLE",
    retryable: true,
    message: expect.stringContaining("ECONNREFUSED"),
  });
});

test("key and tenant are sent, percent-encoded, and the key is in no error", async () => {
  const seen: (string | undefined)[] = [];
  await using server = await answering((request, response) => {
    seen.push(request.headers.authorization, String(request.headers["x-larder-tenant"]));
    refuse(response, 401, "UNAUTHENTICATED");
  });
  const client = createClient({ url: server.url, apiKey: KEY, tenant: "Zürich, Ost" });
  const error: unknown = await client.push("people", ROWS).catch((caught: unknown) => caught);
  expect(seen).toEqual([`Bearer ${KEY}`, "Z%C3%BCrich%2C%20Ost"]);
  if (!isLarderError(error)) throw new Error("not a LarderError");
  expect(`${error.stack} ${JSON.stringify(error)} ${JSON.stringify(error.facts)}`).not.toContain(KEY);
});

test("calls one after the other share a connection", async () => {
  await using server = await answering((_, response) => response.end(WRITTEN));
  const client = createClient({ url: server.url, deadlineMs: 20_000 });
  for (let call = 0; call < 20; call++) await client.push("people", ROWS);
  // One may be opened while the one before is just becoming free.
  expect(server.connections).toBeLessThanOrEqual(2);
});

test("an answer that is not JSON is nobody's features", async () => {
  await using server = await answering((_, response) => response.end("<html>welcome</html>"));
  const client = createClient({ url: server.url, deadlineMs: 20_000 });
  await expect(client.push("people", ROWS)).rejects.toMatchObject({ code: "REQUEST_FAILED" });
  expect(server.requests).toBe(1);
});

test("what JSON cannot hold is refused before anything is sent", async () => {
  await using server = await answering((_, response) => response.end(WRITTEN));
  const client = createClient({ url: server.url });
  const refusals = [
    [[{ id: 1, score: Number.NaN }], "score"],
    [[{ id: 1, score: undefined }], "score"],
    [[{ id: 1, joined: new Date(1) }], "joined"],
    [[{ id: 1, event_timestamp: new Date(Number.NaN) }], "event_timestamp"],
    [[{ id: 1, a: 1 }, { id: 1 }], "a"],
    [[{ id: 1 }, { id: 1, b: 1 }], "b"],
    [[], "rows"],
  ] as const;
  for (const [rows, field] of refusals) {
    await expect(client.push("people", rows), field).rejects.toMatchObject({
      code: "INVALID_REQUEST",
      facts: { field },
    });
  }
  expect(server.requests).toBe(0);
});

test("a url that is none is refused when the client is made", () => {
  for (const url of ["", "localhost:6566", "ftp://x"]) {
    expect(() => createClient({ url }), url).toThrow(LarderError);
  }
});

/** A server that behaves as `handle` says; `count` is the request's number, from 1. */
async function answering(handle: (request: IncomingMessage, response: ServerResponse, count: number) => unknown) {
  let requests = 0;
  let connections = 0;
  const server = createServer((request, response) => {
    request.resume();
    handle(request, response, ++requests);
  });
  server.on("connection", () => void connections++);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get requests() {
      return requests;
    },
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function refuse(response: ServerResponse, status: number, code: string, headers: Record<string, string> = {}): void {
  const body = { type: `urn:larder:error:${code}`, status, detail: "No", code, remedy: "Wait", request_id: "r1" };
  response.writeHead(status, { "content-type": "application/problem+json", ...headers }).end(JSON.stringify(body));
}
