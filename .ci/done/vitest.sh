#!/usr/bin/env bash
# Proves by test files of one package: vitest.sh PACKAGE_FOLDER pure|servers FILE... Used by the scripts beside it.
# Sets up what is missing first. What npm test has just run on the same sources is not run again. Fails where a file is missing, none of its tests
# ran, or one failed or was left out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
exec node scripts/bootstrap.mjs proved "$@"
