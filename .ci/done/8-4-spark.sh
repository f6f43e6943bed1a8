#!/usr/bin/env bash
# On a Spark Connect server: the golden point-in-time cases and random histories join as they do here, cancelling works, and what fails is named.
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/vitest.sh" packages/training-features servers test/spark/spark-join.sail.test.ts
