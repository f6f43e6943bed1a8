// The checks that need no build: `npm run lint [-- biome knip boundaries]`, by default all three. Runs every one, then fails if any failed.
import { runForeground } from "./bootstrap/child.mjs";

const CHECKS = {
  biome: ["node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings"],
  knip: ["node_modules/knip/bin/knip.js", "--no-config-hints"],
  boundaries: ["node_modules/turbo/bin/turbo", "boundaries"],
};

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !Object.hasOwn(CHECKS, name));
if (unknown !== undefined) {
  console.error(`lint: "${unknown}" is no check. Use ${Object.keys(CHECKS).join(", ")}.`);
  process.exit(2);
}
for (const name of asked.length > 0 ? asked : Object.keys(CHECKS)) {
  const started = performance.now();
  const { code } = await runForeground(process.execPath, CHECKS[name]);
  console.log(
    `lint: ${name} ${code === 0 ? "passed" : "failed"} in ${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
  if (code !== 0) process.exitCode = 1;
}
