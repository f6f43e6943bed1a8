#!/usr/bin/env bash
# One batch of known, unknown, expired, tombstoned and null rows through predict under each on_missing.
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/vitest.sh" examples/churn pure test/on-missing.test.ts
