// Load tests: `npm run loadtest -- <scenario>`, `pnpm loadtest --help`. Provides Redis, k6, which is built where the cache has none, and Kafka for the
// scenario that needs it, and hands over to packages/loadtest.
import { endAs, runForeground } from "./bootstrap/child.mjs";
import { provideServers } from "./servers/install.mjs";

const args = process.argv.slice(2);
const asksForHelp = args.length === 0 || args.some((arg) => arg === "--help" || arg === "-h");
const wanted = args.includes("ingest") ? ["redis", "k6", "kafka"] : ["redis", "k6"];
const servers = asksForHelp ? [] : await provideServers(wanted, console.error, ["k6"]);
const missing = servers.filter(({ ready }) => !ready);
if (missing.length === 0) {
  const main = ["--conditions=@larder/source", "packages/loadtest/src/main.ts"];
  endAs(await runForeground(process.execPath, [...main, ...args]));
} else {
  for (const { name, reason } of missing) console.error(`loadtest: ${name}: ${reason}`);
  process.exitCode = 1;
}
