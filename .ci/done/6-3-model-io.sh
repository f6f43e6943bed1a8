#!/usr/bin/env bash
# What goes into models and comes out: every feature type into every tensor type exactly or refused with its row; vectors, blocks, several outputs; ZipMaps of
# skl2onnx answer what Python gets; a batch answers what its rows get alone.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
exec "$here/vitest.sh" packages/serving pure test/model/load-models.test.ts test/model/zip-map.test.ts test/predict/model-io.test.ts \
  test/predict/feeds.property.test.ts test/predict/batch.property.test.ts
