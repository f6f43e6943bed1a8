#!/usr/bin/env bash
# What moves between members is finished or abandoned and lost to nobody, and a process that wakes up as a zombie moves nothing back.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/vitest.sh" packages/materializer pure test/stream/heartbeat.property.test.ts test/stream/sync/rebalance.test.ts
"$here/vitest.sh" packages/materializer servers test/stream/sync/outages.kafka.test.ts test/stream/sync/sync.kafka.test.ts
"$here/vitest.sh" packages/larder servers test/sync-zombie.kafka.test.ts
