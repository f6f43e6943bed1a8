#!/usr/bin/env bash
# larder why: every verdict on memory, SQLite and Redis, from states that writing, materializing and time really make, with remedies that work as printed;
# the guide docs/why.md; what status and doctor say of last runs and freshness.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/vitest.sh" packages/larder pure test/why/memory.test.ts test/why/sqlite.test.ts test/why/guide.test.ts test/cli/why.test.ts test/cli/look.test.ts
"$here/vitest.sh" packages/larder servers test/why/why.redis.test.ts
