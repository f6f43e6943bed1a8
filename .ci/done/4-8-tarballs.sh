#!/usr/bin/env bash
# The packed packages are clean by publint and arethetypeswrong, install with plain npm into an empty folder, and there `larder init`, validate,
# materialize and get work as docs/get-started.md says. An application that only reads features from Redis gets nothing optional installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
npm run --silent lint:packages
exec node scripts/bootstrap.mjs try-tarballs
