import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { startLeakCheck } from "@larder/testkit";
import { afterEach, expect, test } from "vitest";
import { FEATURES } from "../../src/peers/data.ts";
import { proveSameAnswers } from "../../src/peers/same-answers.ts";

const leaks = startLeakCheck();
const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await leaks.assertNothingLeft();
});

/** A real server that answers this to everything. */
async function answering(name: string, answer: object, status = 200) {
  const server = createServer((_, response) => {
    // Connections are those of fetch, which would keep them open.
    response.writeHead(status, { "content-type": "application/json", connection: "close" }).end(JSON.stringify(answer));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { name, port: (server.address() as AddressInfo).port };
}

function predictions(...values: readonly (number | null)[]): object {
  return { predictions: values.map((churn_probability) => ({ churn_probability })) };
}

function lookup(names: readonly string[], change: (name: string) => object = () => ({})): object {
  const results = names.map((name) => ({ values: [FEATURES.indexOf(name)], statuses: ["PRESENT"], ...change(name) }));
  return { metadata: { feature_names: names }, results };
}

test("predictions within the tolerance are the same", async () => {
  const both = [await answering("a", predictions(0.5, 0.25)), await answering("b", predictions(0.500009, 0.25))];
  expect(await proveSameAnswers("predict", both)).toBe(2);
});

test.each([
  ["another value", predictions(0.5, 0.26)],
  ["one value less", predictions(0.5)],
  ["null", predictions(0.5, null)],
])("%s is a difference that names the server", async (_, other) => {
  const both = [await answering("a", predictions(0.5, 0.25)), await answering("b", other)];
  await expect(proveSameAnswers("predict", both)).rejects.toThrow(/predict: .*b/);
});

test("a server that does not answer 200 is named", async () => {
  const both = [await answering("a", predictions(0.5)), await answering("b", { detail: "no" }, 503)];
  await expect(proveSameAnswers("predict", both)).rejects.toThrow("b answered 503 to predict");
});

test("features are compared by name, whatever their order", async () => {
  const both = [await answering("a", lookup(FEATURES)), await answering("b", lookup(FEATURES.toReversed()))];
  expect(await proveSameAnswers("lookup", both)).toBe(FEATURES.length);
});

test.each([
  ["a feature that is absent", lookup(FEATURES.slice(1)), "lacks tenure_months"],
  ["a value that is not present", lookup(FEATURES, () => ({ statuses: ["NOT_FOUND"] })), "lacks tenure_months"],
  [
    "null in the place of 0",
    lookup(FEATURES, (name) => (name === FEATURES[0] ? { values: [null] } : {})),
    "lookup: value 0",
  ],
  ["a value that is a little off", lookup(FEATURES, () => ({ values: [1.000001] })), "lookup: value"],
])("%s is a difference", async (_, other, message) => {
  const both = [await answering("a", lookup(FEATURES)), await answering("b", other)];
  await expect(proveSameAnswers("lookup", both)).rejects.toThrow(message);
});
