#!/usr/bin/env bash
# A clone without history, in a folder with a space in its name: the quick start, its curl line, npm test; all of it twice.
#
#   LARDER_DONE_COLD=1   start from empty caches (a home of its own), as on a fresh machine; needs the network and some minutes
#   LARDER_DONE_TEST=0   leave npm test out
#
# With warm caches, npm test reads and fills the repository's own turbo cache: what has run there on the same sources is not run again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD

work=$(mktemp -d)
terminal=""
cleanup() {
  if [ -n "$terminal" ]; then kill "$terminal" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap cleanup EXIT

say() { echo "3-1: $*"; }
fail() {
  say "$*" >&2
  exit 1
}

export npm_config_update_notifier=false
if [ "${LARDER_DONE_COLD:-0}" = 1 ]; then
  unset LARDER_CACHE XDG_CACHE_HOME XDG_DATA_HOME npm_config_cache
  export HOME=$work/home
  mkdir "$HOME"
else
  export TURBO_CACHE_DIR=$root/.turbo/cache
fi

clone="$work/a clone"
git clone --quiet --depth 1 "file://$root" "$clone"
cd "$clone"
git diff --quiet HEAD -- || fail "the clone is not clean"

quickstart_in_a_log() { # name, seconds it may take
  local start=$SECONDS
  timeout "$2" npm run quickstart </dev/null >"$work/$1.log" 2>&1 || { cat "$work/$1.log"; fail "npm run quickstart ($1) failed"; }
  local took=$((SECONDS - start))
  grep -q "equal the golden predictions" "$work/$1.log" || { cat "$work/$1.log"; fail "no word on the golden predictions ($1)"; }
  say "npm run quickstart ($1): exit 0 after $took s"
  [ "$took" -lt "$2" ] || fail "that is not under $2 s"
}

quickstart_in_a_log first 300
quickstart_in_a_log second 45

# On a terminal (a pseudo-terminal of `script`) the server stays up until Ctrl-C.
mkfifo "$work/keys"
TERM=dumb script --quiet --return --flush --command "npm run quickstart" "$work/terminal.log" <"$work/keys" >/dev/null 2>&1 &
terminal=$!
exec 3>"$work/keys"
for _ in $(seq 600); do
  grep -q "Ctrl-C stops it" "$work/terminal.log" 2>/dev/null && break
  kill -0 "$terminal" 2>/dev/null || break
  sleep 0.1
done
grep -q "Ctrl-C stops it" "$work/terminal.log" || { cat "$work/terminal.log"; fail "the quick start did not stay up on a terminal"; }

line=$(tr -d '\r' <"$work/terminal.log" | sed -n 's/^ *\(curl .*\)$/\1/p' | head -1)
[ -n "$line" ] || fail "the quick start printed no curl line"
answer=$(bash -c "$line")
say "$line"
say "  -> $answer"
ANSWER=$answer LINE=$line node -e '
  const id = Number(/"customer_id": *(\d+)/.exec(process.env.LINE)[1]);
  const golden = require(require("node:path").resolve("examples/churn/models/golden_predictions.json"));
  const expected = golden.rows.find((row) => row.customer_id === id).onnx[1];
  const got = JSON.parse(process.env.ANSWER).churn_probability;
  if (!(Math.abs(got - expected) <= 1e-5)) throw new Error(`${got} is not the golden ${expected}`);
' || fail "the curl line does not answer the golden value"
say "the curl line answers the golden value"

printf '\003' >&3
code=0
wait "$terminal" || code=$?
terminal=""
exec 3>&-
# npm runs scripts by a shell, which says 130 after a Ctrl-C whatever its child said.
[ "$code" = 0 ] || [ "$code" = 130 ] || { tail -5 "$work/terminal.log"; fail "after Ctrl-C the exit code was $code"; }
if bash -c "$line" >/dev/null; then fail "the server answers after Ctrl-C"; fi
say "Ctrl-C stops it"

if [ "${LARDER_DONE_TEST:-1}" = 1 ]; then
  for run in first second; do
    start=$SECONDS
    npm test </dev/null >"$work/test-$run.log" 2>&1 || { tail -60 "$work/test-$run.log"; fail "npm test ($run) failed"; }
    last=$(grep -v '^[[:space:]]*$' "$work/test-$run.log" | tail -1)
    grep -Eq '[1-9][0-9]* passed, 0 failed' <<<"$last" || fail "npm test ($run) ended with: $last"
    say "npm test ($run): $last, after $((SECONDS - start)) s"
  done
fi
git diff --quiet HEAD -- || fail "a run changed files that git knows"
[ -z "$(git status --porcelain)" ] || fail "a run left files: $(git status --porcelain | head -5)"
say "fine"
