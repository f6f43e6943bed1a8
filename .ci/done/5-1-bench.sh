#!/usr/bin/env bash
# `npm run bench:redis` prints reads, memory, writes, signals and near cache side by side, here with a fifth of the rounds. Bytes are exact and must meet
# the goal; times of so few rounds only tell whether something is off by far. BENCHMARKS.md has the figures of whole runs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
reports=packages/store-core/reports
rm -f $reports/{redis-read,redis-layout,redis-write,signals,near-cache}.json
status=0
LARDER_BENCH=quick npm run --silent bench:redis || status=$?
[ "$status" = 0 ] || echo "5-1: bench:redis ended with $status (99 or turbo's 1: a goal was missed in so few rounds)"
REPORTS=$reports node -e '
  const read = (name) => JSON.parse(require("node:fs").readFileSync(`${process.env.REPORTS}/${name}.json`, "utf8"));
  const goal = (name, words) => read(name).goals.find((each) => each.goal.includes(words)).measured;
  const checks = [
    ["bytes per float32 feature, 5 views x 10", goal("redis-layout", "bytes per float32"), "<=", 10],
    ["read, share of the best by hand", goal("redis-layout", "best by hand"), ">=", 0.5],
    ["read, multiple of Feast\u0027s layout", goal("redis-layout", "Feast"), ">=", 2.5],
    ["write, server CPU against plain HSETs", goal("redis-write", "no expiry: server CPU"), "<=", 4],
    ["write, CPU of both sides against plain HSETs", goal("redis-write", "no expiry: CPU of both"), "<=", 1.5],
    ["signals, share of the throughput without", read("signals").shares.find(({ name }) => name.includes("subscribers")).share, ">=", 0.7],
    ["near cache, plain read against a hit", read("near-cache").ratios[0].clientCpu, ">=", 3],
  ];
  for (const [name, value, sign, limit] of checks) {
    const fine = sign === "<=" ? value <= limit : value >= limit;
    console.log(`5-1: ${fine ? "fine  " : "MISSED"} ${name}: ${value.toFixed(2)}, ${sign} ${limit}`);
    if (!fine) process.exitCode = 1;
  }
'
