#!/usr/bin/env bash
# Freshness signals on a real Redis: loss, duplication, reconnect, a writer killed between rows and signal, throttling, tenants, missing rights.
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/vitest.sh" packages/store-core servers test/signals/signals.redis.test.ts test/conformance/redis.redis.test.ts
