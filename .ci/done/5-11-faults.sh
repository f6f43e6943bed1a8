#!/usr/bin/env bash
# Redis killed, halted and cut off under a mixed load on each topology: no acknowledged write lost but as documented, no old row as fresh, memory flat.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
faults=test/faults
"$here/vitest.sh" packages/store-core pure $faults/history.test.ts
"$here/vitest.sh" packages/store-core servers $faults/single.redis.test.ts $faults/single.valkey.test.ts $faults/sentinel.redis.test.ts \
  $faults/cluster.redis.test.ts $faults/outage-memory.redis.test.ts test/stores/redis/replication-loss.redis.test.ts
