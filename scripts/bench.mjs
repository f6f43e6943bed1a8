// Runs every package's benchmarks of a turbo task, one at a time: `npm run bench [-- turbo arguments]`, `npm run bench:redis`. They measure against a
// real Redis.
import { endAs, runForeground } from "./bootstrap/child.mjs";
import { provideServers } from "./servers/install.mjs";

const [task, ...rest] = process.argv.slice(2);
const [redis] = await provideServers(["redis"], console.error);
if (redis.ready) {
  const turbo = ["node_modules/turbo/bin/turbo", "run", task, "--concurrency=1", "--log-prefix=none"];
  endAs(await runForeground(process.execPath, [...turbo, ...rest]));
} else {
  console.error(`bench: ${redis.reason}`);
  process.exitCode = 1;
}
