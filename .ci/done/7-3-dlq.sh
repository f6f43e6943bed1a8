#!/usr/bin/env bash
# Dead letters are listed, shown, sent back (filters, dry run, rate, a kill in between) and purged, with both clients; an erasure's receipt names them.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/vitest.sh" packages/materializer servers test/stream/letters.kafka.test.ts
"$here/vitest.sh" packages/larder servers test/dlq.kafka.test.ts
"$here/vitest.sh" packages/larder pure test/forget.test.ts
