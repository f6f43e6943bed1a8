#!/usr/bin/env bash
# Kafka into the online store: merged batches, offsets behind settled records, processes killed with kill -9 and read again, members that come and go.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/vitest.sh" packages/materializer pure test/stream/sync/offset-tracker.test.ts test/stream/sync/merge-rows.property.test.ts
"$here/vitest.sh" packages/materializer servers test/stream/sync/sync.kafka.test.ts
"$here/vitest.sh" packages/larder servers test/sync.kafka.test.ts
