import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { startProcess } from "@larder/testkit";
import { expect, test } from "vitest";
import { YAML } from "../definitions.ts";
import { createProject, LARDER } from "../project.ts";

interface Received {
  readonly path: string | undefined;
  readonly type: string | undefined;
  readonly body: Buffer;
}

/** A collector of OTLP over HTTP that keeps what it gets. */
async function startCollector() {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push({ path: request.url, type: request.headers["content-type"], body: Buffer.concat(chunks) });
      response.writeHead(200, { "content-type": request.headers["content-type"] ?? "" }).end();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";
const ENTITY = 987654321;

/** Serves, asks once as part of a trace and once as a part of one that is not sampled, and ends. */
async function serveOnce(folder: string, env: Readonly<Record<string, string | undefined>>) {
  await using child = await startProcess(process.execPath, [...LARDER, "serve", "--port", "0", "--json"], {
    cwd: folder,
    env: { INIT_CWD: undefined, NO_COLOR: undefined, ...env },
  });
  const { url } = JSON.parse(await child.waitForLine(/^\{"url"/)) as { url: string };
  const ask = async (path: string, body: unknown, flags: string) => {
    const response = await fetch(url + path, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: "Bearer larder_secret",
        "x-request-id": "request-7",
        traceparent: `00-${TRACE}-${PARENT}-${flags}`,
      },
      body: JSON.stringify(body),
    });
    await response.text();
    return response;
  };
  const read = { features: ["plans:price"], entities: { customer_id: [ENTITY] } };
  const answered = await ask("/t/acme/get-online-features", read, "01");
  await ask("/get-online-features", read, "00");
  await ask("/get-online-features", { ...read, features: ["nope:price"] }, "01");
  await fetch(`${url}/livez`);
  child.signal("SIGTERM");
  expect(await child.waitForExit()).toEqual({ code: 0, signal: null });
  return { timing: answered.headers.get("server-timing") ?? "", log: child.stderr };
}

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
}

test.concurrent("OpenTelemetry's variables turn traces on: a span per request below the caller's, one per stage, and nothing of an entity or a key", async () => {
  await using project = await createProject(`${YAML}server: { access_log: { sample: 1 } }\n`);
  await using collector = await startCollector();
  const { timing, log } = await serveOnce(project.folder, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_SERVICE_NAME: "features",
  });
  expect(collector.received.map(({ path, type }) => [path, type])).toEqual([["/v1/traces", "application/json"]]);
  const text = collector.received[0]?.body.toString() ?? "";
  const sent = JSON.parse(text) as {
    resourceSpans: { resource: { attributes: Span["attributes"] }; scopeSpans: { spans: Span[] }[] }[];
  };
  const { resource, scopeSpans } = sent.resourceSpans[0] ?? { resource: { attributes: [] }, scopeSpans: [] };
  expect(resource.attributes).toContainEqual({ key: "service.name", value: { stringValue: "features" } });
  const spans = scopeSpans.flatMap((scope) => scope.spans);
  const [root, failed] = spans.filter((span) => span.parentSpanId === PARENT);
  expect(spans.every((span) => span.traceId === TRACE)).toBe(true);
  expect(root?.name).toBe("POST /t/:tenant/get-online-features");
  for (const attribute of [
    { key: "http.response.status_code", value: { intValue: 200 } },
    { key: "larder.tenant", value: { stringValue: "acme" } },
    { key: "larder.request_id", value: { stringValue: "request-7" } },
  ]) {
    expect(root?.attributes).toContainEqual(attribute);
  }
  const stages = spans.filter((span) => span.parentSpanId === root?.spanId);
  expect(stages.map((span) => span.name)).toEqual(["queue", "store", "encode"]);
  // One after the other, within the request; the header tells the same.
  expect(stages[0]?.startTimeUnixNano).toBe(root?.startTimeUnixNano);
  for (const [at, stage] of stages.entries()) {
    expect(BigInt(stage.endTimeUnixNano)).toBeLessThanOrEqual(BigInt(root?.endTimeUnixNano ?? 0));
    if (at > 0) expect(stage.startTimeUnixNano).toBe(stages[at - 1]?.endTimeUnixNano);
    const ms = Number(BigInt(stage.endTimeUnixNano) - BigInt(stage.startTimeUnixNano)) / 1e6;
    expect(timing).toMatch(new RegExp(`(?:^|, )${stage.name};dur=`));
    expect(Number(new RegExp(`${stage.name};dur=([\\d.]+)`).exec(timing)?.[1])).toBeCloseTo(ms, 2);
  }
  // The caller's own mistake has no stages; what was not sampled is not there.
  expect(failed?.attributes).toContainEqual({ key: "http.response.status_code", value: { intValue: 404 } });
  expect(spans).toHaveLength(5);
  expect(text).not.toMatch(/larder_secret|987654321/);

  // The log tells of the same requests.
  const lines = log.trim().split("\n");
  const answers = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === "answered");
  expect(answers.map(({ route, status, tenant }) => [route, status, tenant])).toEqual([
    ["/t/:tenant/get-online-features", 200, "acme"],
    ["/get-online-features", 200, "default"],
    ["/get-online-features", 404, "default"],
    ["/livez", 200, undefined],
  ]);
  expect(answers[0]).toMatchObject({ request_id: "request-7", trace_id: TRACE, method: "POST" });
  expect(Object.keys(answers[0].stages)).toEqual(["queue", "store", "encode"]);
  expect(log).not.toMatch(/larder_secret|987654321/);
});

test.concurrent("by default spans go as protobuf; a collector that is down delays nothing, and is logged", async () => {
  await using project = await createProject(YAML);
  await using collector = await startCollector();
  await serveOnce(project.folder, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  expect(collector.received.map(({ path, type }) => [path, type])).toEqual([["/v1/traces", "application/x-protobuf"]]);
  const { body } = collector.received[0] as Received;
  for (const part of [
    Buffer.from(TRACE, "hex"),
    Buffer.from("POST /t/:tenant/get-online-features"),
    Buffer.from("queue"),
  ])
    expect(body.includes(part)).toBe(true);
  expect(body.toString("latin1")).not.toMatch(/larder_secret|987654321/);

  const { log } = await serveOnce(project.folder, { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" });
  expect(log).toMatch(/"part":"telemetry"/);
  for (const line of log.trim().split("\n")) expect(JSON.parse(line)).toHaveProperty("msg");
});
