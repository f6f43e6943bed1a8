#!/usr/bin/env bash
# The regression gate: its statistics on simulated data, baselines, and a real comparison in which predictions take 1 ms longer, which it must find.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
"$here/vitest.sh" packages/loadtest pure test/regression/ratio-interval.test.ts test/regression/baseline.test.ts
cd "$here/../.."
slow=$(mktemp -d)
trap 'rm -rf "$slow"' EXIT
git archive HEAD | tar -x -C "$slow"
sed -i 's|^  // Not `using`|  for (const end = performance.now() + 1; performance.now() < end; );\n&|' "$slow/packages/serving/src/routes/predict.ts"
grep -q 'performance.now() + 1' "$slow/packages/serving/src/routes/predict.ts"
code=0
npm run -s bench:regression -- --base HEAD --head "$slow" --rounds 24 | tee "$slow/out" || code=$?
[ "$code" = 99 ] || { echo "9-4: ended with $code, not 99"; exit 1; }
grep -q '^REGRESSION predict, 1 row: cpu' "$slow/out"
