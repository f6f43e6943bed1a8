// Kills everything around `larder sync` for ten minutes: `npm run soak [-- --minutes 30]`. It needs a real Kafka and a real Redis.
import { endAs, runForeground } from "./bootstrap/child.mjs";
import { provideServers } from "./servers/install.mjs";

const missing = (await provideServers(["redis", "kafka"], console.error)).filter(({ ready }) => !ready);
if (missing.length === 0) {
  const program = "packages/larder/test/kill-anywhere/soak.ts";
  endAs(await runForeground(process.execPath, ["--conditions=@larder/source", program, ...process.argv.slice(2)]));
} else {
  for (const { name, reason } of missing) console.error(`soak: ${name}: ${reason}`);
  process.exitCode = 1;
}
