// Runs every package's benchmarks, one at a time: `npm run bench [-- turbo arguments]`. They measure against a real Redis.
import { endAs, runForeground } from "./bootstrap/child.mjs";
import { provideServers } from "./servers/install.mjs";

const [redis] = await provideServers(["redis"], console.error);
if (redis.ready) {
  const turbo = ["node_modules/turbo/bin/turbo", "run", "bench", "--concurrency=1", "--log-prefix=none"];
  endAs(await runForeground(process.execPath, [...turbo, ...process.argv.slice(2)]));
} else {
  console.error(`bench: ${redis.reason}`);
  process.exitCode = 1;
}
