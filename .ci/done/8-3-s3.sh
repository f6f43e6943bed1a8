#!/usr/bin/env bash
# Sources in S3, on a server that checks signatures: golden joins by httpfs and from staged copies, faults, uploads, keys from AWS's chain; Hive
# partitions, differences between files, Delta and Iceberg refused by name.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
"$here/vitest.sh" packages/training-features pure test/offline/hive-partition.test.ts test/offline/sources.test.ts
exec "$here/vitest.sh" packages/training-features servers test/s3/sources.s3.test.ts test/s3/faults.s3.test.ts
