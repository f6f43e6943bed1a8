import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runCaptured, runForeground } from "./bootstrap/child.mjs";

/**
 * Builds every package that is published and packs it into `folder`, as `pnpm publish` would. Answers name, source folder, tarball, the manifest
 * in it and the paths in it, per package.
 */
export async function packPackages(folder) {
  const build = ["node_modules/turbo/bin/turbo", "run", "build", "--output-logs=errors-only", "--log-prefix=none"];
  const { code } = await runForeground(process.execPath, [...build, "--filter=./packages/*"]);
  if (code !== 0) throw new Error("The build failed.");
  const packed = [];
  for (const name of readdirSync("packages").sort()) {
    const source = join("packages", name);
    if (!existsSync(join(source, "package.json")) || readJson(join(source, "package.json")).private === true) continue;
    const before = new Set(readdirSync(folder));
    await output("pnpm", ["pack", "--pack-destination", folder], { cwd: source });
    const tarball = join(
      folder,
      readdirSync(folder).find((file) => !before.has(file)),
    );
    const paths = (await output("tar", ["-tzf", tarball])).trim().split("\n");
    const manifest = JSON.parse(await output("tar", ["-xzOf", tarball, "package/package.json"]));
    packed.push({
      name: manifest.name,
      source,
      tarball,
      manifest,
      paths: paths.map((path) => path.slice("package/".length)),
    });
  }
  return packed;
}

function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

async function output(command, args, options) {
  const { code, output: text } = await runCaptured(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}: ${text}`);
  return text;
}
