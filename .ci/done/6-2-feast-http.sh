#!/usr/bin/env bash
# Feast's HTTP routes: recorded requests are answered equally, or as docs/feast.md says, with a much shorter list below /feast; a real Feast SDK works with
# Larder as its remote online store; tenants in the path, ages, writes that are whole or not at all; every route of docs/serving.md answers what it says.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
"$here/vitest.sh" packages/serving pure test/routes/strict-feast.test.ts test/routes/tenants.test.ts test/routes/get-online-features.test.ts test/routes/writes.test.ts
"$here/vitest.sh" packages/larder pure test/guides/serving.test.ts
exec "$here/vitest.sh" packages/larder servers test/feast/replay.redis.test.ts test/feast/remote-store.feast.test.ts
