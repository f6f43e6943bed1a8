import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Test files whose suffix names a server of .ci/servers.json; the rest is pure. `x.redis.test.ts` and `x.redis.property.test.ts` need Redis. */
const listed = JSON.parse(readFileSync(new URL(".ci/servers.json", import.meta.url), "utf8"));
const names = Object.keys(listed);
const filesOf = (name) => [`test/**/*.${name}.test.ts`, `test/**/*.${name}.property.test.ts`];

/** Servers that this machine can run, as scripts/test.mjs found them; by hand all but those on demand. */
const ready = process.env["LARDER_SERVERS"]?.split(",") ?? names.filter((name) => listed[name].on_demand !== true);
const servers = process.env["LARDER_SUITE"] === "servers";

// What hangs shall end; how fast a machine is shall decide nothing. A property over real engines took 8 s alone and 30 s beside three others; a campaign
// of LARDER_RUNS times as many runs takes as many times as long.
const timeout = 240_000 * Math.max(1, Number(process.env["LARDER_RUNS"] ?? 1) || 1);

/** The one configuration of every package's tests. `LARDER_SUITE` is `pure` or `servers`, set by scripts/run-vitest.mjs. */
export default {
  resolve: { conditions: ["@larder/source"] },
  ssr: { resolve: { conditions: ["@larder/source"] } },
  test: {
    include: servers ? ready.flatMap(filesOf) : ["test/**/*.test.ts"],
    exclude: servers ? [] : names.flatMap(filesOf),
    setupFiles: [fileURLToPath(new URL("scripts/vitest-leak-check.mjs", import.meta.url))],
    passWithNoTests: true,
    retry: 0,
    testTimeout: timeout,
    hookTimeout: timeout,
    pool: "forks",
    maxWorkers: 2,
    // Pure files share a process, whose modules are loaded once: that halves what these suites cost, and the check above still looks after each file.
    // Suites with servers keep one process a file: some measure its memory, and what one leaves of load would be the next one's.
    isolate: servers,
  },
};
