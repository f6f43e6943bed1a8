#!/usr/bin/env bash
# A store or brokers that are away, or come and go: offsets and memory stand, readiness tells, and all is written when they are back.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/vitest.sh" packages/materializer pure test/stream/sync/backoff.test.ts
"$here/vitest.sh" packages/materializer servers test/stream/sync/outages.kafka.test.ts
