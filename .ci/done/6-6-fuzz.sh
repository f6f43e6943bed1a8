#!/usr/bin/env bash
# OpenAPI typed by the definitions, checked by schemathesis against a real `larder serve`, without and with API keys: no 5xx, at least half 2xx, answers as
# the document says. And fairness: one tenant at ten times its rate beside another, whose p99 is compared in turns.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
"$here/vitest.sh" packages/serving pure test/openapi/open-api-document.test.ts test/routes/limits.test.ts test/routes/rate-limits.test.ts
"$here/vitest.sh" packages/larder servers test/fuzz/fuzz.schemathesis.test.ts
"$here/vitest.sh" packages/larder pure test/guides/serving.test.ts
cd "$here/../.."
report=packages/larder/reports/fairness.json
rm -f $report
status=0
LARDER_BENCH=quick npm run --silent bench:fairness || status=$?
[ "$status" = 0 ] || echo "6-6: bench:fairness ended with $status (99 or turbo's 1: the goal was missed in so few rounds)"
REPORT=$report node -e '
  const { described, measured } = JSON.parse(require("node:fs").readFileSync(process.env.REPORT, "utf8"));
  const [, over] = described;
  const checks = [
    ["answers of the calm tenant that were not 200", over.failures, "<=", 0],
    ["refused requests of the other, per second", over.refused, ">=", 10],
    ["its own per second that were taken", over.taken, "<=", 200],
    ["p99 beside it, multiple", measured, "<=", 50],
  ];
  for (const [name, value, sign, limit] of checks) {
    const fine = sign === "<=" ? value <= limit : value >= limit;
    console.log(`6-6: ${fine ? "fine  " : "MISSED"} ${name}: ${value.toFixed(2)}, ${sign} ${limit}`);
    if (!fine) process.exitCode = 1;
  }
'
