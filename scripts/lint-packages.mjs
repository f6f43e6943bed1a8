// Whether what would be published can be used: `npm run -s lint:packages`. Packs every package and looks at each tarball: our own rules below,
// then publint, then arethetypeswrong (ES modules only, so what CommonJS could not do does not count).
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCaptured } from "./bootstrap/child.mjs";
import { packPackages } from "./pack-packages.mjs";

const TOOLS = [
  ["node_modules/publint/src/cli.js", "--strict", "--pack=false"],
  [
    "node_modules/@arethetypeswrong/cli/dist/index.js",
    "--profile=esm-only",
    "--format=ascii",
    "--no-color",
    "--no-emoji",
  ],
];
/** What only some users need is theirs to install. */
const OPTIONAL = ["@aws-sdk/client-s3", "@duckdb/node-api", "kafkajs", "onnxruntime-node"];

const folder = mkdtempSync(join(tmpdir(), "larder-packages-"));
try {
  const packed = await packPackages(folder);
  if (packed.length === 0) throw new Error("No package is published.");
  for (const each of packed) {
    const problems = problemsOf(each, packed);
    for (const problem of problems) console.error(`lint-packages: ${each.name}: ${problem}`);
    if (problems.length > 0) process.exitCode = 1;
    for (const tool of TOOLS) {
      const { code, output } = await runCaptured(process.execPath, [...tool, each.tarball]);
      if (code === 0) continue;
      console.error(`lint-packages: ${each.name}: ${output}`);
      process.exitCode = 1;
    }
  }
  if (process.exitCode !== 1) console.log(`lint-packages: ${packed.length} tarballs are fine`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function problemsOf({ source, manifest, paths }, packed) {
  const problems = [];
  const holds = (path) => {
    const pattern = new RegExp(`^${path.replace(/^\.\//, "").replaceAll(/[.+]/g, "\\$&").replace("*", ".*")}$`);
    return paths.some((each) => pattern.test(each));
  };
  for (const target of leaves([manifest.exports, manifest.imports, manifest.bin])) {
    if (!holds(target)) problems.push(`package.json names ${target}, which is not in the tarball`);
  }
  for (const [path, target] of Object.entries(manifest.exports ?? {})) {
    if (typeof target === "string") continue;
    const conditions = Object.keys(target).join(", ");
    if (conditions !== "types, default")
      problems.push(`export ${path} has the conditions ${conditions}; state types, default under publishConfig`);
  }
  for (const key of ["engines", "license", "sideEffects"]) {
    if (manifest[key] === undefined) problems.push(`package.json lacks ${key}`);
  }
  for (const needed of ["LICENSE", "package.json"]) if (!holds(needed)) problems.push(`there is no ${needed}`);
  for (const path of paths) {
    if (/(^|\/)(test|node_modules|reports)\/|\.tsbuildinfo$|\.map$/.test(path))
      problems.push(`${path} does not belong into it`);
    const script = /^dist\/(.*)\.js$/.exec(path)?.[1];
    if (script !== undefined && !existsSync(join(source, `${script}.ts`)))
      problems.push(`${path} is left of a source that is gone: remove ${source}/dist and build again`);
  }
  for (const kind of ["dependencies", "peerDependencies", "optionalDependencies"]) {
    for (const [name, range] of Object.entries(manifest[kind] ?? {})) {
      if (/^(workspace|catalog|file|link):/.test(range)) problems.push(`${kind}.${name} is ${range}`);
      const ours = packed.find((each) => each.name === name);
      if (ours === undefined ? name.startsWith("@larder/") : ours.manifest.version !== range)
        problems.push(`${kind}.${name} is ${range}, and ${ours?.manifest.version ?? "it is not published"}`);
      const optional = manifest.peerDependenciesMeta?.[name]?.optional === true;
      if (OPTIONAL.includes(name) && !(kind === "peerDependencies" && optional))
        problems.push(`${name} has to be an optional peer dependency`);
    }
  }
  return problems;
}

function leaves(value) {
  if (typeof value === "string") return [value];
  return Object.values(value ?? {}).flatMap(leaves);
}
