// Runs every package's benchmarks of a turbo task, one at a time: `npm run bench [-- turbo arguments]`, `npm run bench:redis`. They measure against a
// real Redis, that of the materializer against a real Kafka, too; bench:peers installs the
// Python ones into the cache.
import { endAs, runForeground } from "./bootstrap/child.mjs";
import { provideServers } from "./servers/install.mjs";

const [task, ...rest] = process.argv.slice(2);
const further = { "bench:materializer": ["kafka"], "bench:peers": ["peers"] };
const needed = ["redis", ...(further[task] ?? [])];
const missing = (await provideServers(needed, console.error, needed)).filter(({ ready }) => !ready);
if (missing.length === 0) {
  const turbo = ["node_modules/turbo/bin/turbo", "run", task, "--concurrency=1", "--log-prefix=none"];
  endAs(await runForeground(process.execPath, [...turbo, ...rest]));
} else {
  for (const { name, reason } of missing) console.error(`bench: ${name}: ${reason}`);
  process.exitCode = 1;
}
