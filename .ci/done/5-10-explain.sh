#!/usr/bin/env bash
# `larder redis explain`: forecast at ten times the data, what another limit or layout takes by applying it, rights, clusters, the verb.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
"$here/vitest.sh" packages/store-core servers test/stores/redis/explain.redis.test.ts test/stores/redis/explain-limits.redis.test.ts \
  test/stores/redis/explain.valkey.test.ts
exec "$here/vitest.sh" packages/larder servers test/cli/redis-explain.redis.test.ts
