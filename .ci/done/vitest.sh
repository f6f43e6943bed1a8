#!/usr/bin/env bash
# Runs test files of one package and says how many tests passed: vitest.sh PACKAGE_FOLDER pure|servers FILE...
# Fails where a file is missing, a test failed or was left out, or none ran. Used by the scripts beside it. Needs Node 24 on PATH.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
run=$PWD/scripts/run-vitest.mjs
cd "$1"
suite=$2
shift 2
for file in "$@"; do
  [ -e "$file" ] || { echo "$PWD/$file is not there" >&2; exit 1; }
done
# The report of a part must not be taken for the package's.
trap 'rm -f "reports/$suite.json"' EXIT
node "$run" "$suite" "$@"
SUITE=$suite node -e '
  const report = JSON.parse(require("node:fs").readFileSync(`reports/${process.env.SUITE}.json`, "utf8"));
  const { numPassedTests: passed, numTotalTests: total } = report;
  console.log(`${passed} of ${total} tests passed`);
  if (passed === 0 || passed !== total) process.exit(1);
'
