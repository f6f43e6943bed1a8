#!/usr/bin/env bash
# Manifests and what they are for: 100 random training sets are built again byte for byte (and 310,000 rows at 1 and 8 threads) and differ from themselves in
# nothing; a comparison names exactly what was planted; splits do not leak, parts appear whole; the commands, and the guide docs/training-sets.md.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LARDER_RUNS=10 "$here/vitest.sh" packages/training-features pure test/training-set/reproduce.test.ts test/training-set/diff.test.ts
"$here/vitest.sh" packages/training-features pure test/training-set/split.test.ts test/training-set/training-set.test.ts
exec "$here/vitest.sh" packages/larder pure test/cli/training-set-reproduce.test.ts test/guides/guides.test.ts
