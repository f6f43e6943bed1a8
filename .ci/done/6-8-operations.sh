#!/usr/bin/env bash
# Operations: metrics by stage, server-timing, the access log, traces as a real OpenTelemetry exporter sends them, readiness, and SIGTERM under load without a failed request.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
"$here/vitest.sh" packages/serving pure test/routes/operations.test.ts test/plugins/access-log.test.ts test/metrics/series-histogram.test.ts
exec "$here/vitest.sh" packages/larder pure test/serve/shutdown.test.ts test/serve/telemetry.test.ts
