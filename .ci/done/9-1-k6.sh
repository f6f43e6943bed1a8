#!/usr/bin/env bash
# Load tests judge as they should: thresholds from the budgets, the seeded choice of entities, and real k6 against a server that is slow, fails, answers
# wrongly or drops work, each of which misses its gate with exit code 99. Events come by a real Kafka while requests are answered, and none is lost.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
.ci/done/vitest.sh packages/loadtest pure test/k6/entity-choice.test.ts test/k6/due-time.test.ts test/run/thresholds.test.ts test/run/verdict.test.ts \
  test/run/timeline.test.ts test/run/own-gates.test.ts test/report/write-report.test.ts test/command-line.test.ts
.ci/done/vitest.sh packages/loadtest servers test/run/gates.k6.test.ts
# So short that it tells nothing of latencies, beside a broker that has just started.
status=0
output=$(LARDER_BENCH=quick npm run --silent loadtest -- ingest) || status=$?
printf '%s\n' "$output"
[ "$status" = 0 ] || [ "$status" = 99 ] || { echo "9-1: ingest ended with $status"; exit 1; }
if grep '^MISSED' <<<"$output" | grep -v 'p99' | grep -v 'requests dropped\|requests sent'; then echo "9-1: more than speed was missed"; exit 1; fi
grep -qE '^\| events: share committed by larder sync \| 1 \|' reports/loadtest-ingest.md || { echo "9-1: the report tells nothing of events"; exit 1; }
