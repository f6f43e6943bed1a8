// What a newcomer does, from the tarballs and with plain npm, in an empty folder: `node scripts/bootstrap.mjs try-tarballs`. Packs every package; then,
// with the npm that came with Node 20 and that of Node 24, installs them and reads features from a real Redis where nothing optional is installed; then
// follows docs/get-started.md, which installs DuckDB, and docs/concepts.md, by the installed command. Needs the npm registry.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { followGuide, runProcess, startRedis } from "@larder/testkit";
import { npmInstall } from "./bootstrap/tools.mjs";
import { cacheFolder } from "./cache-folder.mjs";
import { installOnce } from "./install-once.mjs";
import { packPackages } from "./pack-packages.mjs";

const NPM = ["10.8.2", "11.6.2"]; // as in Node 20 and in Node 24
const OPTIONAL = ["@duckdb", "kafkajs", "onnxruntime-node"];
/** Only ends what hangs: the registry may be slow. */
const LIMIT_MS = 240_000;

const readerYaml = (connectionString) => `project: reader
online_store: { type: redis, connection_string: "${connectionString}", layout: packed }
offline_store: { type: duckdb, path: data }
entities:
  - { name: customer, join_keys: [{ name: customer_id, type: int64 }] }
feature_views:
  - name: orders
    entity: customer
    features: [{ name: orders_30d, type: int64 }]
    source: { path: orders, timestamp_field: event_timestamp }
`;

const READER = `import { FeatureStore } from "larder";
await using store = await FeatureStore.open("feature_store.yaml");
const rows = [{ customer_id: 7, event_timestamp: "2024-04-02T09:30:00Z", orders_30d: 9 }];
await store.push("orders", rows);
const features = await store.getOnlineFeatures({ features: ["orders:orders_30d"], entityRows: [{ customer_id: 7 }] });
console.log(JSON.stringify(features.toRows()), JSON.stringify(features.statuses));
`;

const work = await mkdtemp(join(tmpdir(), "larder-tarballs-"));
try {
  const tarballs = (await packPackages(await folderNamed("packed"))).map(({ tarball }) => tarball);
  for (const version of NPM) {
    const started = performance.now();
    const run = runnerWith(await provideNpm(version));
    await readFromRedis(await folderNamed(`npm-${version}-reader`), run, tarballs);
    await followDocuments(await folderNamed(`npm-${version}-newcomer`), run, tarballs);
    console.log(`try-tarballs: npm ${version}: fine after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  }
} finally {
  await rm(work, { recursive: true, force: true });
}

async function folderNamed(name) {
  await mkdir(join(work, name));
  return join(work, name);
}

/** The folder with that npm's `npm` and `npx`. */
async function provideNpm(version) {
  const folder = join(cacheFolder(), `npm-${version}`);
  await installOnce(folder, (temporary) => npmInstall(`npm@${version}`, `npm ${version}`, temporary));
  return join(folder, "node_modules", ".bin");
}

/** Runs a command line in bash, with that npm and this Node first on PATH. Output is stdout and stderr together. */
function runnerWith(npmFolder) {
  const env = {
    PATH: [npmFolder, dirname(process.execPath), process.env["PATH"]].join(delimiter),
    ...Object.fromEntries(
      Object.keys(process.env)
        .filter((name) => /^npm_/.test(name))
        .map((name) => [name, undefined]),
    ),
    INIT_CWD: undefined,
    npm_config_audit: "false",
    npm_config_fund: "false",
    npm_config_update_notifier: "false",
    npm_config_loglevel: "error",
    npm_config_prefer_offline: "true",
    // npm waits five minutes for an answer of the registry before it asks again: longer than these commands may take.
    npm_config_fetch_timeout: "20000",
    npm_config_fetch_retries: "5",
    npm_config_fetch_retry_mintimeout: "1000",
    // onnxruntime-node's script would download GPU libraries; nothing here has scripts of its own to run.
    npm_config_ignore_scripts: "true",
  };
  return async (command, cwd) => {
    const { code, stdout, stderr } = await runProcess("bash", ["-c", command], { cwd, env, ms: LIMIT_MS });
    return { code, output: stdout + stderr };
  };
}

async function mustRun(run, command, folder, expected = 0) {
  const { code, output } = await run(command, folder);
  if (code !== expected) throw new Error(`${command} ended with ${code}: ${output}`);
  return output;
}

/** An application that only reads and writes features in Redis: `larder` alone is installed, and is enough. */
async function readFromRedis(folder, run, tarballs) {
  await writeFile(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  await mustRun(run, `npm install ${tarballs.join(" ")}`, folder);
  const installed = await readdir(join(folder, "node_modules"));
  for (const name of OPTIONAL) if (installed.includes(name)) throw new Error(`npm installed ${name} unasked.`);
  await using redis = await startRedis();
  await writeFile(join(folder, "feature_store.yaml"), readerYaml(redis.connectionString));
  await writeFile(join(folder, "reader.mjs"), READER);
  const said = await mustRun(run, "node reader.mjs", folder);
  const expected = '[{"customer_id":7,"orders_30d":9}] {"orders_30d":["PRESENT"]}\n';
  if (said !== expected) throw new Error(`The reader said ${said}, not ${expected}`);
  await mkdir(join(folder, "data", "orders"), { recursive: true });
  await writeFile(join(folder, "data", "orders", "a.parquet"), "not read: DuckDB is missing");
  const failure = JSON.parse(
    await mustRun(run, "npx larder materialize 2024-01-01 2024-05-01 --json", folder, 2),
  ).error;
  if (failure.code !== "MISSING_DEPENDENCY" || !/npm install @duckdb\/node-api@\S+$/.test(failure.remedy))
    throw new Error(`materialize without DuckDB failed with ${JSON.stringify(failure)}`);
}

/** The documents as they stand, but for `npm install larder`: the tarballs are not in a registry. */
async function followDocuments(folder, run, tarballs) {
  const newcomer = (command, cwd) =>
    run(command.replace(/^npm install larder(?= )/, `npm install ${tarballs.join(" ")}`), cwd);
  const follow = async (name, inFolder, runIn) => {
    const page = await readFile(join("docs", name), "utf8");
    const commands = await followGuide(page, { folder: inFolder, run: runIn }).catch((cause) => {
      throw new Error(`docs/${name}: ${cause.message}`, { cause });
    });
    if (commands < 3) throw new Error(`docs/${name} has ${commands} commands`);
  };
  await follow("get-started.md", folder, newcomer);
  await rm(join(folder, "demo"), { recursive: true });
  await follow("concepts.md", folder, (command, cwd) => run(`PATH=${folder}/node_modules/.bin:$PATH ${command}`, cwd));
}
