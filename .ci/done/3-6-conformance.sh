#!/usr/bin/env bash
# The conformance suite rejects every mutant and passes on memory, sqlite and redis.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
conformance=test/conformance
"$here/vitest.sh" packages/store-core pure $conformance/memory.test.ts $conformance/sqlite.test.ts $conformance/mutants.test.ts
"$here/vitest.sh" packages/store-core servers $conformance/redis.redis.test.ts
