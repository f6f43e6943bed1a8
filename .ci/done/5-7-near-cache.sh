#!/usr/bin/env bash
# Near cache: rules, random histories against the store, byte accounting; then signals, broken roads and Feast's layout on a real Redis.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
"$here/vitest.sh" packages/store-core pure test/decorators/near-cache.test.ts test/decorators/near-cache.property.test.ts \
  test/decorators/row-memory.test.ts test/decorators/last-known-good.test.ts
exec "$here/vitest.sh" packages/store-core servers test/decorators/near-cache.redis.test.ts
