#!/usr/bin/env bash
# `npm run bench:materializer` prints the sync beside its client and hand-pipelined writes, here with a part of the rounds and limits so wide that they
# only tell whether something is off by far. BENCHMARKS.md has the figures of whole runs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
report=packages/materializer/reports/materializer.json
rm -f $report
status=0
LARDER_BENCH=quick npm run --silent bench:materializer || status=$?
[ "$status" = 0 ] || echo "7-4: bench:materializer ended with $status (99 or turbo's 1: a goal was missed in so few rounds)"
REPORT=$report node -e '
  const { figures, loads } = JSON.parse(require("node:fs").readFileSync(process.env.REPORT, "utf8"));
  const rate = (name) => figures[name].perSecond;
  const hand = rate("by hand: the script, 100 rows a batch");
  for (const { client, probes, unread } of loads) {
    const checks = [
      [`${client}: sync, share of the slower of reading and writing`, rate(`${client}: sync`) / Math.min(hand, rate(`${client}: read only`)), ">=", 0.1],
      [`${client}: probes that were read`, probes, ">=", 20],
      [`${client}: probes that never were`, unread, "<=", 0],
    ];
    for (const [name, value, sign, limit] of checks) {
      const fine = sign === "<=" ? value <= limit : value >= limit;
      console.log(`7-4: ${fine ? "fine  " : "MISSED"} ${name}: ${value.toFixed(2)}, ${sign} ${limit}`);
      if (!fine) process.exitCode = 1;
    }
  }
'
