// Load tests: `npm run loadtest -- <scenario>`, `pnpm loadtest --help`. Provides Redis and k6, which is built where the cache has none, and hands over to
// packages/loadtest.
import { endAs, runForeground } from "./bootstrap/child.mjs";
import { provideServers } from "./servers/install.mjs";

const args = process.argv.slice(2);
const asksForHelp = args.length === 0 || args.some((arg) => arg === "--help" || arg === "-h");
const servers = asksForHelp ? [] : await provideServers(["redis", "k6"], console.error, ["k6"]);
const missing = servers.filter(({ ready }) => !ready);
if (missing.length === 0) {
  const main = ["--conditions=@larder/source", "packages/loadtest/src/main.ts"];
  endAs(await runForeground(process.execPath, [...main, ...args]));
} else {
  for (const { name, reason } of missing) console.error(`loadtest: ${name}: ${reason}`);
  process.exitCode = 1;
}
