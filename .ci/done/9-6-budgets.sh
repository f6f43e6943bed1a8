#!/usr/bin/env bash
# Budgets beside latency: met, missed, a store that has none; what counts as the image; the keys of the yaml.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
"$here/vitest.sh" packages/schema pure test/load/full-file.test.ts test/load/bad-files.test.ts
"$here/vitest.sh" packages/larder pure test/budgets/installed-bytes.test.ts
exec "$here/vitest.sh" packages/larder servers test/capacity/capacity.redis.test.ts
