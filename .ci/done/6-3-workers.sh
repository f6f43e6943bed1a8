#!/usr/bin/env bash
# Where models run: small requests are answered before a large one that came first, a thread that is killed or crashes fails its own request and is replaced,
# the queue is bounded, callers that leave are dropped, parts give what the whole gives.
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/vitest.sh" packages/serving pure test/model/model-threads.test.ts
