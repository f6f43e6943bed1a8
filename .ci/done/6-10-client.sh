#!/usr/bin/env bash
# The HTTP client, typed by codegen: as the embedded API reads; deadline, abort, retries within a budget; a browser's bundle without a Node module; the
# example's predictions; the document's program compiles.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
"$here/vitest.sh" packages/client pure test/transport.test.ts test/anywhere.test.ts
"$here/vitest.sh" packages/larder pure test/client/typed-client.test.ts
exec "$here/vitest.sh" examples/churn pure test/client.test.ts test/typed.test.ts
