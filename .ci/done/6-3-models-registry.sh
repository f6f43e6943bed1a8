#!/usr/bin/env bash
# The registry of models: versions side by side, hot reload under load, rollback, unload, MLflow folders, the repository routes; and models that were trained on
# definitions of another meaning, refused.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
"$here/vitest.sh" packages/serving pure test/registry/model-registry.test.ts test/model/load-models.test.ts
exec "$here/vitest.sh" packages/larder pure test/cli/model.test.ts test/guides/serving.test.ts test/guides/guides.test.ts
