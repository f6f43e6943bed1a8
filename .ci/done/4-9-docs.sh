#!/usr/bin/env bash
# The guides under docs/ work command by command; the references are what the verbs and the schema say.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/vitest.sh" packages/larder pure test/guides/guides.test.ts test/cli/reference.test.ts test/cli/init.test.ts
"$here/vitest.sh" packages/schema pure test/load/schema-file.test.ts
