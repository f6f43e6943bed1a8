#!/usr/bin/env bash
# 2^53+1 as an entity key and as a feature goes in by /push and comes back exact.
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/vitest.sh" examples/churn pure test/int64.test.ts
