#!/usr/bin/env bash
# A live stream of churn events into the store on a real broker, while predictions change.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/vitest.sh" examples/churn servers test/demo-stream.kafka.test.ts
