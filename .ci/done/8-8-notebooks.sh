#!/usr/bin/env bash
# docs/python.md, command by command: train.py reproduces the shipped model on a training set, the server predicts what Python does, pandas, polars,
# DuckDB and scikit-learn read the rows, and the notebook runs.
set -euo pipefail
exec "$(dirname "${BASH_SOURCE[0]}")/vitest.sh" examples/churn servers test/python.notebook.test.ts
