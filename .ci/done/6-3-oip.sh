#!/usr/bin/env bash
# The Open Inference Protocol: JSON tensors and the binary extension of every type, every bad input a 4xx, damaged bodies never a 5xx, the routes of
# docs/serving.md, and Triton's own client.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
"$here/vitest.sh" packages/serving pure test/inference/infer.test.ts test/inference/infer.property.test.ts
"$here/vitest.sh" packages/larder pure test/guides/serving.test.ts
exec "$here/vitest.sh" packages/serving servers test/inference/triton.tritonclient.test.ts
