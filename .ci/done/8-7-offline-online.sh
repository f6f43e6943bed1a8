#!/usr/bin/env bash
# Offline = online: random histories materialized at a time, joined for it and read as of it, on memory, SQLite, Redis in both layouts; the command;
# sources in S3 against local ones; damaged files by name and column; the guide docs/point-in-time.md.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/vitest.sh" packages/larder pure test/offline-online/offline-online.property.test.ts test/cli/get-as-of.test.ts test/feature-store.test.ts test/guides/guides.test.ts
"$here/vitest.sh" packages/larder servers test/offline-online/offline-online.redis.test.ts
"$here/vitest.sh" packages/training-features pure test/rows-as-of.test.ts test/offline/sources.test.ts test/training-set/entity-rows.test.ts test/training-set/entity-input.test.ts test/training-set/training-set.test.ts
exec "$here/vitest.sh" packages/training-features servers test/s3/sources.s3.test.ts test/s3/join.s3.test.ts
