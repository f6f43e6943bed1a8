#!/usr/bin/env bash
# Definitions over time: plan, apply, serve's warning and refusal, status, doctor, on memory, SQLite and Redis; processes of old and new definitions read and
# write each other's rows under load.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
"$here/vitest.sh" packages/larder pure test/cli/definitions.test.ts test/guides/guides.test.ts test/rolling-deploy.test.ts test/cli/look.test.ts
"$here/vitest.sh" packages/larder servers test/rolling-deploy.redis.test.ts test/cli/doctor.redis.test.ts test/cli/status.redis.test.ts
"$here/vitest.sh" packages/store-core pure test/applied-definitions.test.ts
"$here/vitest.sh" packages/store-core servers test/applied-definitions.redis.test.ts
