#!/usr/bin/env bash
# A store filled from Parquet while the stream runs, starts elsewhere, replays of a window, limits of rows per second, resume after kill -9.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/vitest.sh" packages/materializer pure test/pace.test.ts test/kill.test.ts
"$here/vitest.sh" packages/larder servers test/backfill.kafka.test.ts
