#!/usr/bin/env bash
# Deadlines that end the wait when Redis hangs, the circuit breaker with its probes, last known good; no growth of memory during an outage under load.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/vitest.sh" packages/store-core pure test/decorators/last-known-good.test.ts
"$here/vitest.sh" packages/store-core servers test/decorators/outage.redis.test.ts test/stores/redis/failures.redis.test.ts \
  test/faults/outage-memory.redis.test.ts
"$here/vitest.sh" packages/serving servers test/routes/degraded.redis.test.ts
