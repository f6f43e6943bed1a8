#!/usr/bin/env bash
# A store that is away holds offsets and memory, and all is written when it is back.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/vitest.sh" packages/materializer pure test/stream/sync/backoff.test.ts
"$here/vitest.sh" packages/materializer servers test/stream/sync/sync.kafka.test.ts
