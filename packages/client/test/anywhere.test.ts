import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { EdgeVM } from "@edge-runtime/vm";
import { build } from "esbuild";
import { expect, test } from "vitest";

const ANSWER = `{"results":[{"values":[1],"statuses":["PRESENT"],"event_timestamps":["1970-01-01T00:00:00Z"]},
{"values":["AP8="],"statuses":["PRESENT"],"event_timestamps":["2024-01-01T00:00:00Z"]}],"metadata":{"feature_names":["id","logo"],"degraded":false}}`;

test("a browser's bundle has no Node module in it, and the client in it answers in an edge runtime", async () => {
  // For a browser, esbuild refuses what only Node has.
  const { outputFiles } = await build({
    stdin: {
      contents: `import { generatedClient } from "./src/index.ts";
        globalThis.client = generatedClient({ features: { "sales:logo": "bytes" }, services: {} });`,
      resolveDir: join(import.meta.dirname, ".."),
      loader: "ts",
    },
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    platform: "browser",
    conditions: ["@larder/source"],
  });
  const bundle = outputFiles[0]?.text ?? "";
  expect(bundle.length, "bytes of the bundle").toBeLessThan(30_000);

  const server = createServer((request, response) => void request.resume().on("end", () => response.end(ANSWER)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const edge = new EdgeVM();
    edge.evaluate(bundle);
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const rows: unknown = await edge.evaluate(
      `client({ url: ${JSON.stringify(url)}, deadlineMs: 20000 })
        .getOnlineFeatures({ features: ["sales:logo"], entityRows: [{ id: 1 }] })
        .then((features) => JSON.stringify(features.toRows().map((row) => ({ ...row, logo: [...row.logo] }))))`,
    );
    expect(rows).toBe('[{"id":1,"logo":[0,255]}]');
  } finally {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  }
});
