#!/usr/bin/env bash
# `npm run bench:serving` prints larder serve beside the hand-written floor, here with a fifth of the rounds and limits so wide that they only tell
# whether something is off by far. BENCHMARKS.md has the figures of whole runs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
report=packages/larder/reports/serving.json
rm -f $report
status=0
LARDER_BENCH=quick npm run --silent bench:serving || status=$?
[ "$status" = 0 ] || echo "6-1: bench:serving ended with $status (99 or turbo's 1: a goal was missed in so few rounds)"
REPORT=$report node -e '
  const { compared, rates, goals, own } = JSON.parse(require("node:fs").readFileSync(process.env.REPORT, "utf8"));
  const share = (kind) => compared.find((each) => each.kind === kind).cpu;
  const tail = goals.find(({ goal }) => goal.includes("p99")).measured;
  const checks = [
    ["predictions of 1 row per second of CPU, share of the floor", share("predict, 1 row"), ">=", 0.3],
    ["predictions of 100 rows per second of CPU, share of the floor", share("predict, 100 rows"), ">=", 0.3],
    ["p99 at 1,000/s, multiple of the floor", tail, "<=", 10],
    ["own time in the server, p50 ms", own.inServer, "<=", 2],
    ["fixed rates that were measured", rates.length, ">=", 16],
  ];
  for (const [name, value, sign, limit] of checks) {
    const fine = sign === "<=" ? value <= limit : value >= limit;
    console.log(`6-1: ${fine ? "fine  " : "MISSED"} ${name}: ${value.toFixed(2)}, ${sign} ${limit}`);
    if (!fine) process.exitCode = 1;
  }
'
