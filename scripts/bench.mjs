// Runs every package's benchmarks of a turbo task, one at a time: `npm run bench [-- turbo arguments]`, `npm run bench:redis`. They measure against a
// real Redis, that of the materializer against a real Kafka, too; that of training sets needs no server. The Python peers are installed where they lack.
import { endAs, runForeground } from "./bootstrap/child.mjs";
import { provideServers } from "./servers/install.mjs";

const [task, ...rest] = process.argv.slice(2);
const NEEDED = { "bench:materializer": ["redis", "kafka"], "bench:peers": ["redis", "peers"], "bench:training": [] };
const needed = NEEDED[task] ?? ["redis"];
const missing = (await provideServers(needed, console.error, ["peers"])).filter(({ ready }) => !ready);
if (missing.length === 0) {
  const turbo = ["node_modules/turbo/bin/turbo", "run", task, "--concurrency=1", "--log-prefix=none"];
  endAs(await runForeground(process.execPath, [...turbo, ...rest]));
} else {
  for (const { name, reason } of missing) console.error(`bench: ${name}: ${reason}`);
  process.exitCode = 1;
}
