import { join } from "node:path";
import { runProcess } from "@larder/testkit";
import { expect, test } from "vitest";
import { createProject, LARDER } from "./project.ts";

const REGISTRY = join(import.meta.dirname, "golden/feast/registry.db");

/** Libraries that an application which only reads must not need. */
const HEAVY = ["@duckdb", "onnxruntime-node", "fastify", "ioredis", "pino", "prom-client", "commander", "@bufbuild"];

/** A module that prints, as its process ends, which of the heavy libraries were resolved by an import or a require. */
const WATCH = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module";
  const seen = new Set();
  registerHooks({ resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    seen.add(resolved.url);
    return resolved;
  } });
  process.on("exit", () => {
    const heavy = ${JSON.stringify(HEAVY)}.filter((name) => [...seen].some((url) => url.includes("/node_modules/" + name)));
    process._rawDebug("heavy: " + JSON.stringify(heavy) + " of " + seen.size);
  });
`)}`;

function heavyIn(stderr: string): unknown {
  const [, heavy = "", count] = /^heavy: (.*) of (\d+)$/m.exec(stderr) ?? [];
  expect(Number(count), stderr).toBeGreaterThan(10);
  return JSON.parse(heavy);
}

test.concurrent("importing larder and reading from SQLite loads no DuckDB, no ONNX Runtime, no HTTP server and no Redis client", async () => {
  await using project = await createProject();
  const script = await project.write(
    "read.ts",
    `import { FeatureStore } from ${JSON.stringify(join(import.meta.dirname, "../src/index.ts"))};
     await using store = await FeatureStore.open(${JSON.stringify(project.path("feature_store.yaml"))});
     await store.push("plans", [{ customer_id: 1, price: 2, plan: "a", invoices: [], event_timestamp: "2024-01-01" }]);
     const features = await store.getOnlineFeatures({ features: ["plans:price"], entityRows: [{ customer_id: 1 }] });
     console.log(JSON.stringify(features.toRows()));`,
  );
  const { code, stdout, stderr } = await runProcess(process.execPath, [
    "--conditions=@larder/source",
    "--import",
    WATCH,
    script,
  ]);
  expect([code, stdout], stderr).toEqual([0, '[{"customer_id":1,"price":2}]\n']);
  expect(heavyIn(stderr)).toEqual([]);
});

test.concurrent("the watcher sees what is loaded", async () => {
  const script = 'import("fastify").then(() => import("@duckdb/node-api"))';
  const at = { cwd: join(import.meta.dirname, "../../serving") };
  const child = await runProcess(process.execPath, ["--import", WATCH, "-e", script], at);
  expect(heavyIn(child.stderr)).toContain("fastify");
});

test.concurrent.each([
  [["--help"], ["commander"]],
  [["materialize", "--help"], ["commander"]],
  [["validate"], ["commander"]],
  [
    ["import-feast", REGISTRY, "--out", "telco.yaml"],
    ["commander", "@bufbuild"],
  ],
  [["push", "plans", "--from", "rows.ndjson"], ["commander"]],
  [["get", "--service", "plans_v1", "--entity", "customer_id=1"], ["commander"]],
])("larder %j loads %j and nothing heavy", async (args, loaded) => {
  await using project = await createProject();
  await project.write("rows.ndjson", "");
  const child = await runProcess(process.execPath, ["--import", WATCH, ...LARDER, ...args], {
    cwd: project.folder,
    env: { INIT_CWD: undefined },
  });
  expect(child.code, child.stderr).toBe(0);
  expect(heavyIn(child.stderr)).toEqual(loaded);
});
