// Everything that is measured against Redis, one after the other: `pnpm bench:redis`. Ends with 99 when any of them missed a goal.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

const benches = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".bench.ts"));
const codes = benches.map((name) => {
  console.log(`\n# ${name}`);
  const args = ["--conditions=@larder/source", join(import.meta.dirname, name)];
  return spawnSync(process.execPath, args, { stdio: "inherit" }).status ?? 1;
});
process.exitCode = codes.find((code) => code !== 0 && code !== 99) ?? Math.max(...codes);
