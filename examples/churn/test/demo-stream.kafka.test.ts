import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { type ChildHandle, kafkaHand, startProcess } from "@larder/testkit";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { readGolden, TOLERANCE } from "../src/golden.ts";
import { type Features, NUMBERS, TEXTS } from "../src/telco.ts";

const EXAMPLE = join(import.meta.dirname, "..");
const WAIT_MS = 90_000;

/** What the demo prints with --json, one per line. */
type Told =
  | {
      readonly kind: "ready";
      readonly brokers: string[];
      readonly topics: string[];
      readonly url: string;
      readonly sync: string;
    }
  | { readonly kind: "known"; readonly customer: number; readonly probability: number }
  | {
      readonly kind: "happened";
      readonly customer: number;
      readonly features: Features;
      readonly before: number;
      readonly after: number;
    }
  | { readonly kind: "ending"; readonly interrupted: boolean };

function startDemo(...args: readonly string[]): Promise<ChildHandle> {
  const script = join(EXAMPLE, "scripts", "demo-stream.mjs");
  return startProcess(process.execPath, ["--conditions=@larder/source", script, "--json", ...args]);
}

function toldBy(demo: ChildHandle): readonly Told[] {
  return demo.stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
}

function only<Kind extends Told["kind"]>(told: readonly Told[], kind: Kind): readonly Extract<Told, { kind: Kind }>[] {
  return told.filter((each): each is Extract<Told, { kind: Kind }> => each.kind === kind);
}

/** What the model itself makes of a customer, without anything of Larder's. */
async function modelOf(): Promise<(features: Features) => Promise<number>> {
  const session = await InferenceSession.create(join(EXAMPLE, "models", "churn.onnx"));
  return async (features) => {
    const numbers = NUMBERS.map((name) => {
      return [name, new Tensor("float32", Float32Array.of(features[name] ?? Number.NaN), [1, 1])] as const;
    });
    const texts = TEXTS.map((name) => [name, new Tensor("string", [features[name]], [1, 1])] as const);
    const { probabilities } = await session.run(Object.fromEntries([...numbers, ...texts]));
    return Number(probabilities?.data[1]);
  };
}

async function listens(address: string): Promise<boolean> {
  const { hostname, port } = new URL(address);
  const socket = connect(Number(port), hostname);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

test("events change predictions to what the model says of them; Ctrl-C ends broker, sync and server; a guest on its broker leaves no topics", async () => {
  await using demo = await startDemo("--seconds", "600");
  const touched = new Set<number>();
  const ready: Told = JSON.parse(await demo.waitForLine(/"kind":"ready"/, WAIT_MS));
  await endsByItself(ready.kind === "ready" ? ready.brokers : []);
  // The fifth event: the first that comes second to its customer.
  await demo.waitForLine(/"kind":"happened".*"what":"pays/, WAIT_MS);
  demo.signal("SIGINT");
  expect(await demo.waitForExit(WAIT_MS)).toEqual({ code: 0, signal: null });
  const told = toldBy(demo);
  expect(told.at(-1)).toEqual({ kind: "ending", interrupted: true });
  const model = await modelOf();
  const latest = new Map(only(told, "known").map(({ customer, probability }) => [customer, probability]));
  const golden = await readGolden(join(EXAMPLE, "models", "golden_predictions.json"));
  for (const [customer, probability] of latest) {
    const expected = golden.find(({ customerId }) => customerId === customer)?.probability ?? Number.NaN;
    expect(Math.abs(probability - expected)).toBeLessThan(TOLERANCE);
  }
  const events = only(told, "happened");
  expect(events.length).toBeGreaterThanOrEqual(latest.size);
  for (const { customer, features, before, after } of events) {
    expect(before).toBe(latest.get(customer));
    expect(Math.abs(after - (await model(features)))).toBeLessThan(TOLERANCE);
    latest.set(customer, after);
    touched.add(customer);
  }
  expect(touched.size, "customers to whom something happened").toBe(latest.size);
  const [{ brokers, url, sync } = { brokers: [], url: "", sync: "" }] = only(told, "ready");
  const addresses = [url, sync, ...brokers.map((broker) => `http://${broker}`)];
  expect(await Promise.all(addresses.map(listens))).toEqual([false, false, false]);
});

/** A demo on brokers that it is given. */
async function endsByItself(brokers: readonly string[]): Promise<void> {
  await using demo = await startDemo("--seconds", "0.5", "--brokers", brokers.join(","));
  expect(await demo.waitForExit(WAIT_MS)).toEqual({ code: 0, signal: null });
  const told = toldBy(demo);
  expect(only(told, "happened").length).toBeGreaterThan(0);
  expect(told.at(-1)).toEqual({ kind: "ending", interrupted: false });
  const [{ topics } = { topics: [] }] = only(told, "ready");
  expect(topics).toHaveLength(3);
  for (const topic of topics) await expect(kafkaHand(brokers).endOffsets(topic)).rejects.toThrow();
}
