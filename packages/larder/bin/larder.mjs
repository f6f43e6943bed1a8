#!/usr/bin/env node
// The installed command. It stands beside dist, so that package managers can link it before the first build. Written for any Node: what it imports
// would end an old one with a syntax error, which tells nobody what to do.
if (Number.parseInt(process.versions.node, 10) < 24) {
  console.error(
    `error: larder needs Node 24 or newer, and this is Node ${process.versions.node}.\nremedy: Install Node 24.`,
  );
  process.exitCode = 2;
} else {
  await import("../dist/src/cli/main.js");
}
