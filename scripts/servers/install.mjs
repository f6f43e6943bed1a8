// Makes the servers that tests need available: `node scripts/servers/install.mjs [name ...]`. Without names, all of .ci/servers.json.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "../cache-folder.mjs";
import { provideFeast } from "./feast.mjs";
import { provideK6 } from "./k6.mjs";
import { provideKafka } from "./kafka.mjs";
import { provideNotebook } from "./notebook.mjs";
import { providePeers } from "./peers.mjs";
import { provideRedis } from "./redis.mjs";
import { RemedyError } from "./remedy-error.mjs";
import { provideS3 } from "./s3.mjs";
import { provideSail } from "./sail.mjs";
import { provideSchemathesis } from "./schemathesis.mjs";
import { provideSpark } from "./spark.mjs";
import { provideTritonClient } from "./triton-client.mjs";
import { provideUtf8Locale } from "./utf8-locale.mjs";
import { provideValkey } from "./valkey.mjs";

const PROVIDERS = {
  redis: provideRedis,
  "utf8-locale": provideUtf8Locale,
  feast: provideFeast,
  peers: providePeers,
  tritonclient: provideTritonClient,
  notebook: provideNotebook,
  schemathesis: provideSchemathesis,
  kafka: provideKafka,
  valkey: provideValkey,
  sail: provideSail,
  spark: provideSpark,
  s3: provideS3,
  k6: provideK6,
};

/** What .ci/servers.json lists: name -> version, required, how, and `on_demand` for what is large and installed only by name. */
export function listedServers() {
  return JSON.parse(readFileSync(new URL("../../.ci/servers.json", import.meta.url), "utf8"));
}

/** Provides each server in turn; `install` names those on demand that may be installed, too. Per name `{ name, required, ready: true, what }` or `{ name, required, ready: false, reason }`. */
export async function provideServers(names, print, install = []) {
  const listed = listedServers();
  const outcomes = [];
  for (const name of names) {
    const entry = listed[name];
    if (entry === undefined || PROVIDERS[name] === undefined) {
      throw new RemedyError(`"${name}" is no listed server`, `Use one of ${Object.keys(listed).join(", ")}`);
    }
    const started = performance.now();
    print(`${name} …`);
    try {
      const what = await PROVIDERS[name]({
        cache: cacheFolder(),
        version: entry.version,
        install: install.includes(name),
      });
      print(`${name}: ${what} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
      outcomes.push({ name, required: entry.required, ready: true, what });
    } catch (error) {
      outcomes.push({ name, required: entry.required, ready: false, reason: error.message });
    }
  }
  return outcomes;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.slice(2);
  const outcomes = await provideServers(names.length > 0 ? names : Object.keys(listedServers()), console.log, names);
  for (const { name, ready, reason } of outcomes) {
    if (!ready) console.error(`${name}: ${reason}`);
  }
  const wanted = outcomes.filter(({ name, required }) => required || names.includes(name));
  process.exitCode = wanted.every((outcome) => outcome.ready) ? 0 : 1;
}
