#!/usr/bin/env bash
# Syncs, broker and store killed anywhere, on a real Kafka and Redis: the store ends as the fold of the events, no row is ever read going backwards, and
# records were read twice. The longer run is `npm run soak`.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/vitest.sh" packages/larder pure test/kill-anywhere/history.test.ts
"$here/vitest.sh" packages/larder servers test/kill-anywhere.kafka.test.ts
