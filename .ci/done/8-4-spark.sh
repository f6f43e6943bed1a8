#!/bin/sh
# The golden point-in-time cases and random histories join over Spark Connect as they do here, and what fails is named.
set -eu
exec "$(dirname "$0")/vitest.sh" packages/training-features servers test/spark/spark-join.sail.test.ts
