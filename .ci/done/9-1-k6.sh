#!/usr/bin/env bash
# Load tests judge as they should: thresholds from the budgets, the seeded choice of entities, and real k6 against a server that is slow, fails, answers
# wrongly or drops work, each of which misses its gate with exit code 99.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
"$here/vitest.sh" packages/loadtest pure test/k6/entity-choice.test.ts test/k6/due-time.test.ts test/run/thresholds.test.ts test/run/verdict.test.ts \
  test/run/timeline.test.ts test/report/write-report.test.ts test/command-line.test.ts
exec "$here/vitest.sh" packages/loadtest servers test/run/gates.k6.test.ts
