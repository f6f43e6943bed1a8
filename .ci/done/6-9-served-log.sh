#!/usr/bin/env bash
# The served-vector log: its rows are what was answered, a stable sample, bounded, counted, cleaned by forget; larder consistency tells planted differences apart; the guide works with a real server.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
"$here/vitest.sh" packages/serving pure test/served-log/served-log.test.ts
"$here/vitest.sh" packages/serving servers test/served-log/served-log.redis.test.ts
exec "$here/vitest.sh" packages/larder pure test/consistency.test.ts test/guides/served-log.test.ts
