#!/usr/bin/env bash
# The leak linter: planted leaks of every code are found, clean sets and random clean histories get no error; the command, --fail-on, the guide
# docs/training-sets.md; a leaking column planted in the churn example.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/vitest.sh" packages/training-features pure test/lint/clean.test.ts test/lint/evidence.test.ts test/lint/lint-training-set.test.ts test/lint/planted.test.ts
"$here/vitest.sh" packages/larder pure test/cli/training-set-lint.test.ts test/guides/guides.test.ts
"$here/vitest.sh" examples/churn pure test/leak.test.ts
