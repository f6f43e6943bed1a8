#!/usr/bin/env bash
# `pnpm bench` puts OnlineStore's read of 100 entities x 10 features on Redis into a Float32Array beside hand-written ioredis on the same bytes and
# beside Feast's field-per-feature layout. Larder reaches at least 0.7 of the speed of the first and 4 times that of the second, by calls per second
# with 16 callers, which repeats best; the median of single calls is shown beside it. The bench takes turns over many rounds in one run; nothing here runs it again until it fits.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
report=packages/store-core/reports/redis-read.json
rm -f "$report"
status=0
npm run --silent bench -- --filter=@larder/store-core || status=$?
[ -e "$report" ] || { echo "3-7: the bench wrote no $report" >&2; exit 1; }
REPORT=$report node -e '
  const { compared } = JSON.parse(require("node:fs").readFileSync(process.env.REPORT, "utf8"));
  const missed = [["by hand", 0.7], ["Feast", 4]].filter(([words, least]) => {
    const found = compared.find(({ against }) => against.includes(words));
    if (found === undefined) throw new Error(`the bench compares with nothing like "${words}"`);
    console.log(`3-7: ${found.p50.toFixed(2)} by p50, ${found.callsPerSecond.toFixed(2)} by calls/s of ${found.against}; at least ${least}`);
    return !(found.callsPerSecond >= least);
  });
  if (missed.length > 0) process.exit(1);
'
exit "$status"
