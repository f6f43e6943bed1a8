#!/usr/bin/env bash
# Lag as users mean it: latencies, watermark, oldest event and freshness by view and tenant, in /metrics, /status and larder sync status.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/vitest.sh" packages/materializer pure test/stream/sync/view-lag.test.ts test/stream/sync/offset-tracker.test.ts
"$here/vitest.sh" packages/larder pure test/sync/sync-metrics.test.ts
"$here/vitest.sh" packages/larder servers test/dlq.kafka.test.ts
