#!/usr/bin/env bash
# The conformance suite on one server, Sentinel, Cluster, TLS with an ACL user, Valkey (unix socket, password, db), and in Feast's layout on one server and a cluster.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
conformance=test/conformance
"$here/vitest.sh" packages/store-core servers $conformance/redis.redis.test.ts $conformance/redis-sentinel.redis.test.ts \
  $conformance/redis-cluster.redis.test.ts $conformance/redis-tls-acl.redis.test.ts $conformance/redis.valkey.test.ts $conformance/feast.redis.test.ts $conformance/feast-cluster.redis.test.ts \
  test/stores/redis/cluster-moves.redis.test.ts test/stores/redis/open-topologies.redis.test.ts
