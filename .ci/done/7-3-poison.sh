#!/usr/bin/env bash
# What cannot be used is in the dead letters with its reason; too much of it stops the sync, and restarts drain nothing.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/vitest.sh" packages/materializer pure test/stream/sync/poison-window.test.ts
"$here/vitest.sh" packages/materializer servers test/stream/sync/sync.kafka.test.ts
