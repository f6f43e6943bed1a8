#!/usr/bin/env bash
# A Feast registry becomes definitions, with the reasons for what is left out; on a Redis with the rows that a real Feast wrote, they answer the recorded
# requests equally or as docs/feast.md says; the guide's commands run.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
"$here/vitest.sh" packages/larder pure test/feast/import-feast.test.ts
exec "$here/vitest.sh" packages/larder servers test/feast/replay.redis.test.ts test/feast/move-from-feast.redis.test.ts
