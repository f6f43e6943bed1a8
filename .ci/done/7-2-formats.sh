#!/usr/bin/env bash
# From a Kafka record to rows: JSON, Avro with a schema registry, Protobuf, Debezium; keys, tenants and times from payload, key, headers or topic;
# schema evolution; every bad input refused with a code and without its values; no bytes crash a decoder.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
"$here/vitest.sh" packages/materializer pure test/stream/decode/json.test.ts test/stream/decode/avro.test.ts \
  test/stream/decode/protobuf.test.ts test/stream/decode/debezium.test.ts
exec "$here/vitest.sh" packages/schema pure test/load/full-file.test.ts test/load/bad-files.test.ts test/rows/row-decoder.test.ts
