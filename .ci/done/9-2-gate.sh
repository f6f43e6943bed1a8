#!/usr/bin/env bash
# The release gate passes in under 6 minutes; with a store that takes 60 ms longer it exits 99 and says which budget was missed. Nothing is left running.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
TMPDIR=$(mktemp -d)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
started=$SECONDS
# On a machine too busy to tell, which the gate measures and says itself, a missed latency proves nothing; anything else does.
status=0
output=$(npm run --silent loadtest -- gate 2>&1) || status=$?
printf '%s\n' "$output"
if [ "$status" != 0 ]; then
  grep -q '^WARNING redis: the machine is busy' <<<"$output" && [ "$status" = 99 ] || { echo "9-2: the gate ended with $status"; exit 1; }
  if grep '^MISSED' <<<"$output" | grep -vq 'p99_ms'; then echo "9-2: more than a latency was missed"; exit 1; fi
fi
[ $((SECONDS - started)) -lt 360 ] || { echo "9-2: the gate took $((SECONDS - started)) s"; exit 1; }
status=0
output=$(LARDER_BENCH=quick npm run --silent loadtest -- gate --inject latency) || status=$?
printf '%s\n' "$output"
[ "$status" = 99 ] || { echo "9-2: exit $status instead of 99"; exit 1; }
grep -qE '^MISSED predict\.p99_ms: [0-9.]+ > 50$' <<<"$output" || { echo "9-2: no line says what was missed"; exit 1; }
[ -f "$(tail -1 <<<"$output")" ] || { echo "9-2: the last line names no report"; exit 1; }
# Whatever was started has this script's TMPDIR in its environment, this shell's own children of a moment aside.
sleep 1
left=$(grep -lsa "TMPDIR=$TMPDIR" /proc/[0-9]*/environ | grep -v -e "/$$/" -e "/$BASHPID/" -e /self/ || true)
for each in $left; do
  [ ! -d "$(dirname "$each")" ] || { echo "9-2: left running: $(tr '\0' ' ' <"$(dirname "$each")/cmdline")"; exit 1; }
done
