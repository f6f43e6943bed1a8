#!/usr/bin/env bash
# Runs test files of one package and says how many tests passed: vitest.sh PACKAGE_FOLDER pure|servers FILE...
# Sets up what is missing first. Fails where a file is missing, a test failed or was left out, or none ran. Used by the scripts beside it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
package=$1 suite=$2
shift 2
for file in "$@"; do
  [ -e "$package/$file" ] || { echo "$package/$file is not there" >&2; exit 1; }
done

npm run --silent larder -- --help >/dev/null
node24=$(node --input-type=module -e '
  import { provideNode } from "./scripts/bootstrap/tools.mjs";
  import { cacheFolder } from "./scripts/cache-folder.mjs";
  console.log(await provideNode(cacheFolder()));
')
if [ "$suite" = servers ]; then "$node24" scripts/servers/install.mjs; fi

cd "$package"
# The report of a part must not be taken for the package's.
trap 'rm -f "reports/$suite.json"' EXIT
PATH=$(dirname "$node24"):$PATH "$node24" "$root/scripts/run-vitest.mjs" "$suite" "$@"
SUITE=$suite node -e '
  const report = JSON.parse(require("node:fs").readFileSync(`reports/${process.env.SUITE}.json`, "utf8"));
  const { numPassedTests: passed, numTotalTests: total } = report;
  console.log(`${passed} of ${total} tests passed`);
  if (passed === 0 || passed !== total) process.exit(1);
'
