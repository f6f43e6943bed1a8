#!/usr/bin/env bash
# `larder capacity`: memory within 5 % at three sizes on a real Redis, the plan's formulas, strict numbers, the verb.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
"$here/vitest.sh" packages/store-core servers test/stores/redis/entity-basis.redis.test.ts
"$here/vitest.sh" packages/larder pure test/capacity/plan-capacity.test.ts test/cli/amount-options.test.ts
exec "$here/vitest.sh" packages/larder servers test/capacity/capacity.redis.test.ts
