#!/usr/bin/env bash
# Typed end to end: larder.gen.ts compiles under the strict settings whatever things are called, knows names, rows, values and statuses, is stale for other
# definitions, and README's first example compiles against it.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
"$here/vitest.sh" packages/larder pure test/typed/generated.test.ts test/typed/hostile-names.property.test.ts test/cli/codegen.test.ts
"$here/vitest.sh" examples/churn pure test/typed.test.ts
