/** Test files whose suffix names a real server; the rest is pure. `x.redis.test.ts` needs Redis. */
const SERVERS = ["test/**/*.redis.test.ts", "test/**/*.redis.property.test.ts"];

/** The one configuration of every package's tests. `LARDER_SUITE` is `pure` or `servers`, set by scripts/run-vitest.mjs. */
export default {
  resolve: { conditions: ["@larder/source"] },
  ssr: { resolve: { conditions: ["@larder/source"] } },
  test: {
    include: process.env["LARDER_SUITE"] === "servers" ? SERVERS : ["test/**/*.test.ts"],
    exclude: process.env["LARDER_SUITE"] === "servers" ? [] : SERVERS,
    passWithNoTests: true,
    retry: 0,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: "forks",
    maxWorkers: 2,
  },
};
