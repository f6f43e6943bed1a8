#!/usr/bin/env bash
# Many cores: one port and one /metrics for several processes, each replaced under load without a failed request, crashes made good, a crash loop that ends with its cause.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
"$here/vitest.sh" packages/serving pure test/metrics/series-histogram.test.ts
exec "$here/vitest.sh" packages/larder pure test/serve/workers.test.ts
