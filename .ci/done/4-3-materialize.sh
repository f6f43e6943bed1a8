#!/usr/bin/env bash
# Materialize, whole: incremental positions, late rows, lookback and warnings; over HTTP with jobs, one run per view at a time and serving that never stops.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
"$here/vitest.sh" packages/materializer pure test/materialize-incremental.test.ts test/incremental.property.test.ts test/position.test.ts test/kill.test.ts
"$here/vitest.sh" packages/materializer servers test/materialize.redis.test.ts
"$here/vitest.sh" packages/larder pure test/materialize-http.test.ts test/cli/verbs.test.ts
"$here/vitest.sh" packages/larder servers test/materialize-http.redis.test.ts
