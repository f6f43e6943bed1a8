#!/usr/bin/env bash
# A forgotten entity is gone from the online store and does not come back, by whatever writer; the receipt names what is left.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
"$here/vitest.sh" packages/store-core pure test/erasure/erasure.test.ts
"$here/vitest.sh" packages/store-core servers test/erasure/erasure.redis.test.ts
"$here/vitest.sh" packages/larder pure test/forget.test.ts
exec "$here/vitest.sh" packages/larder servers test/forget.redis.test.ts
