import { createServer } from "node:http";
import { expect, test } from "vitest";
import { percentiles, predict } from "../../src/quickstart/ask.ts";
import { createCommands } from "../../src/quickstart/command.ts";

test("a verb that fails fails with what it said, problems and remedy included", async () => {
  const { larder } = createCommands(new AbortController().signal);
  await expect(larder("validate", "-f", "nowhere.yaml")).rejects.toThrow(/^larder validate failed\.\n.*nowhere\.yaml/);
  await expect(larder("materialise", "2026-01-01", "2026-02-01")).rejects.toThrow(
    /larder materialise failed\.\n.*materialise/,
  );
});

test("a script that fails fails with what it said", async () => {
  const { script } = createCommands(new AbortController().signal);
  await expect(script("generate.ts", "--seed", "minus one")).rejects.toThrow(
    /generate\.ts failed\.\n.*--seed minus one/,
  );
});

test("an interrupted step ends its command and says so", async () => {
  const controller = new AbortController();
  const { larder } = createCommands(controller.signal);
  const running = larder("serve", "--port", "0");
  controller.abort();
  await expect(running).rejects.toThrow("larder serve was interrupted.");
});

test("predict reads the server's own timing, and fails with the server's words", async () => {
  await using server = await answering([
    [200, {}],
    [418, {}],
  ]);
  const answer = await predict(server.url, [1, 2]);
  expect(answer).toMatchObject({ predictions: [0.5, undefined], store: 0.25, server: 1.5, repeats: 0 });
  await expect(predict(server.url, [1])).rejects.toThrow("predict answered 418: {");
});

test("predict asks again when the store was not available, but not for ever", async () => {
  const busy = [503, { "retry-after": "0" }] as const;
  await using server = await answering([busy, busy, [200, {}], busy, busy, busy, busy, [200, {}]]);
  expect(await predict(server.url, [1])).toMatchObject({ predictions: [0.5, undefined], repeats: 2 });
  await expect(predict(server.url, [1])).rejects.toThrow("predict answered 503");
});

/** A server that answers each `POST /predict` with the next status and headers. */
async function answering(
  answers: readonly (readonly [number, Readonly<Record<string, string>>])[],
): Promise<{ readonly url: string } & AsyncDisposable> {
  const left = [...answers];
  const server = createServer((request, response) => {
    const good = request.headers["content-type"] === "application/json" && request.url === "/predict";
    const [status, headers] = (good ? left.shift() : undefined) ?? [404, {}];
    const timing = "store;dur=0.25, model;dur=0.5, total;dur=1.5";
    response.writeHead(status, { "server-timing": timing, connection: "close", ...headers });
    response.end('{"predictions":[{"churn_probability":0.5},null]}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  return { url, [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
}

test("percentiles are by nearest rank and do not care for the order", () => {
  const values = Array.from({ length: 200 }, (_, i) => 200 - i);
  expect(percentiles(values)).toEqual([100, 190, 198]);
  expect(percentiles([7])).toEqual([7, 7, 7]);
});
