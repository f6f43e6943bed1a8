#!/usr/bin/env bash
# `npm run bench:training` puts training sets beside a bare DuckDB ASOF join on the same Parquet, here with a tenth of the rows. CPU time is looked at, with
# wide limits: what a join costs beside its rows weighs more at this size. BENCHMARKS.md has the figures of whole runs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
report=packages/training-features/reports/training.json
rm -f $report
status=0
LARDER_BENCH=quick npm run --silent bench:training || status=$?
[ "$status" = 0 ] || echo "8-2: bench:training ended with $status (99 or turbo's 1: a goal was missed at this size)"
REPORT=$report node -e '
  const { shares, figures } = JSON.parse(require("node:fs").readFileSync(process.env.REPORT, "utf8"));
  const checks = shares.map(({ plan, size, cpu }) => [`${plan}: ${size}: share of the bare join`, cpu, plan === "bitemporal" ? 0.2 : 0.3]);
  checks.push(["figures with peak memory", figures.filter(({ peakBytes }) => peakBytes > 0).length, 8]);
  for (const [name, value, limit] of checks) {
    console.log(`8-2: ${value >= limit ? "fine  " : "MISSED"} ${name}: ${value.toFixed(2)}, at least ${limit}`);
    if (!(value >= limit)) process.exitCode = 1;
  }
'
