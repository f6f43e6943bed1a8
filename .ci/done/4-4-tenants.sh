#!/usr/bin/env bash
# The same customer in tenants with hostile names never meets, offline or online, on memory, SQLite and Redis; a reset leaves no hole, however it ends.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
"$here/vitest.sh" packages/store-core pure test/reset-in-steps.test.ts
"$here/vitest.sh" packages/larder pure test/hostile-tenants.test.ts test/reset-rows.test.ts
exec "$here/vitest.sh" packages/larder servers test/hostile-tenants.redis.test.ts test/reset-rows.redis.test.ts
