// Runs the tests of the Spark dialect against real Spark, which is installed into the cache first: `npm run test:spark`. Needs Java 17.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { provideServers } from "./servers/install.mjs";

const [outcome] = await provideServers(["spark"], console.log, ["spark"]);
if (!outcome.ready) {
  console.error(`test:spark: ${outcome.reason}`);
  process.exit(1);
}
const cwd = fileURLToPath(new URL("../packages/training-features", import.meta.url));
const env = { ...process.env, LARDER_SERVERS: "spark" };
const run = spawnSync(process.execPath, ["../../scripts/run-vitest.mjs", "servers"], { cwd, env, stdio: "inherit" });
process.exitCode = run.status ?? 1;
