#!/usr/bin/env bash
# Golden predictions travel the whole way (Parquet, materialize, SQLite, HTTP predict) within 1e-5, all 100 rows.
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/vitest.sh" examples/churn pure test/main-job.test.ts
