#!/usr/bin/env bash
# The same yaml with only online_store changed to Redis gives byte-equal answers over 2,000 seeded requests at a fixed clock.
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/vitest.sh" examples/churn servers test/byte-equal.redis.test.ts
