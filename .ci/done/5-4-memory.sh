#!/usr/bin/env bash
# Time to live and memory: sweeper, byte quotas with eviction, maxmemory, `larder redis check`.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
"$here/vitest.sh" packages/store-core pure test/upkeep/sweep.test.ts test/upkeep/quota.test.ts
"$here/vitest.sh" packages/store-core servers test/upkeep/sweep.redis.test.ts test/upkeep/quota.redis.test.ts \
  test/stores/redis/maxmemory.redis.test.ts test/stores/redis/expiry.redis.test.ts
"$here/vitest.sh" packages/larder pure test/cli/sweep.test.ts
exec "$here/vitest.sh" packages/larder servers test/cli/redis-check.redis.test.ts test/cli/doctor.redis.test.ts
