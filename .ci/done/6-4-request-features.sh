#!/usr/bin/env bash
# Values that only a request knows: declared, typed, checked with row and field, joined with stored features; overrides, marked in the answer and in what the
# log of served vectors gets; in types and in the guide.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
"$here/vitest.sh" packages/schema pure test/load/bad-files.test.ts test/load/full-file.test.ts test/compatibility.test.ts
"$here/vitest.sh" packages/serving pure test/routes/request-features.test.ts test/predict/served-rows.test.ts
exec "$here/vitest.sh" packages/larder pure test/guides/serving.test.ts test/typed/generated.test.ts
