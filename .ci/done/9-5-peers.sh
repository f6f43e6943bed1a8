#!/usr/bin/env bash
# `npm run bench:peers` completes by itself, here with settings that only show that it works: all servers answered alike, each was measured, the tables
# are written. BENCHMARKS.md has the figures of whole runs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
reports=packages/loadtest/reports
rm -f $reports/{peers-quick.json,BENCHMARKS.md,README.md}
.ci/done/vitest.sh packages/loadtest pure test/peers/rate-search.test.ts test/peers/same-answers.test.ts test/peers/between-markers.test.ts
LARDER_BENCH=quick npm run --silent bench:peers
REPORTS=$reports node -e '
  const read = (name) => require("node:fs").readFileSync(`${process.env.REPORTS}/${name}`, "utf8");
  const { figures } = JSON.parse(read("peers-quick.json"));
  const failed = (what) => { throw new Error(`9-5: ${what}`); };
  if (figures.compared.lookup < 3 * 1900 || figures.compared.predict < 5 * 100) failed("too few answers were compared");
  for (const { server, work, rows, tries } of figures.jobs) if (tries.length === 0) failed(`${server} was not asked to ${work} ${rows} rows`);
  for (const kind of ["hung", "killed"]) if (figures.outages.filter((each) => each.kind === kind).length < 6) failed(`Redis ${kind}: not all were looked at`);
  for (const file of ["BENCHMARKS.md", "README.md"]) if (!/peers:begin -->[^]*\| Larder \|[^]*peers:end/.test(read(file))) failed(`${file} has no table`);
'
