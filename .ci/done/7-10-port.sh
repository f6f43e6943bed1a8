#!/usr/bin/env bash
# Two Kafka clients behind one port pass the same suite on a real broker: order, compressions, rebalances, zombies, outages, logins and rights.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
"$here/vitest.sh" packages/testkit servers test/kafka-server.kafka.test.ts
"$here/vitest.sh" packages/materializer servers test/stream/platformatic.kafka.test.ts test/stream/kafkajs.kafka.test.ts
