#!/usr/bin/env bash
# /historical-features: the rows of larder training-set as an Arrow stream, by JSON and Parquet, per tenant; its scope, limits and errors; a reader that
# goes away ends the join, a slow one holds it up; as docs/serving.md and /openapi.json say.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
"$here/vitest.sh" packages/serving pure test/routes/historical-features.test.ts test/openapi/open-api-document.test.ts
exec "$here/vitest.sh" packages/larder pure test/historical-http.test.ts test/guides/serving.test.ts
