import { existsSync, readFileSync, realpathSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { basename, delimiter, dirname, join } from "node:path";
import { installOnce } from "../install-once.mjs";
import { runCaptured } from "./child.mjs";
import { step } from "./progress.mjs";
import { describeInstallFailure, SetupError } from "./setup-error.mjs";

const NODE_MAJOR = 24;
const NODE_VERSION = "24.21.0";
/** The oldest Node that this file and its neighbours run on. */
const OLDEST_NODE = 20;

/** Path of a Node 24 or newer: this process's own, else one kept in the cache. */
export async function provideNode(cache) {
  const major = Number.parseInt(process.versions.node, 10);
  if (major >= NODE_MAJOR) return process.execPath;
  if (major < OLDEST_NODE) {
    throw new SetupError(
      "NODE_TOO_OLD",
      `This is Node ${process.version}`,
      `Install Node ${OLDEST_NODE} or newer and run again`,
    );
  }
  const folder = join(cache, `node-${NODE_VERSION}-${process.platform}-${process.arch}`);
  const node = join("node_modules", ".bin", "node");
  if (!existsSync(join(folder, node))) {
    // This package holds the plain binary and has no install script, unlike the one named "node".
    const name = `node-${process.platform}-${process.arch}@${NODE_VERSION}`;
    await step(`Node ${NODE_VERSION} into ${cache}`, () =>
      installOnce(folder, async (temporary) => {
        await npmInstall(name, `Node ${NODE_VERSION}`, temporary);
        await check(join(temporary, node));
      }),
    );
  }
  return join(folder, node);
}

/** Folder whose `pnpm` is the version that package.json names: one on PATH, else one kept in the cache. */
export async function providePnpm(cache, root) {
  const version = /^pnpm@([\d.]+)$/.exec(
    JSON.parse(readFileSync(join(root, "package.json"), "utf8")).packageManager,
  )?.[1];
  const onPath = pnpmOnPath(version);
  if (onPath !== undefined) return onPath;
  const folder = join(cache, `pnpm-${version}`);
  const bin = join(folder, "node_modules", ".bin");
  if (!existsSync(join(bin, "pnpm"))) {
    await step(`pnpm ${version} into ${cache}`, () =>
      installOnce(folder, (temporary) => npmInstall(`pnpm@${version}`, `pnpm ${version}`, temporary)),
    );
  }
  return bin;
}

/** Judged by its package.json, since asking it costs half a second on every run. A corepack shim has none and is left alone. */
function pnpmOnPath(version) {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  // Only the first one counts: it is the one that would run.
  const folder = folders.find((candidate) => existsSync(join(candidate, "pnpm")));
  if (folder === undefined) return undefined;
  try {
    const manifest = join(dirname(dirname(realpathSync(join(folder, "pnpm")))), "package.json");
    const { name, version: found } = JSON.parse(readFileSync(manifest, "utf8"));
    return name === "pnpm" && found === version ? folder : undefined;
  } catch {
    // A shim, a binary, a broken link: whatever it is, it is not the package we look for.
    return undefined;
  }
}

/** Installs one package from the npm registry into a folder of its own. */
export async function npmInstall(name, what, folder) {
  const [command, ...before] = findNpm();
  // A package.json makes npm stay in this folder, whatever lies above it.
  await writeFile(join(folder, "package.json"), '{ "private": true }\n');
  const args = [
    "install",
    name,
    "--prefix",
    folder,
    "--global=false",
    "--ignore-scripts",
    "--no-package-lock",
    "--no-save",
  ];
  const quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];
  const patience = ["--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"];
  const { code, output } = await runCaptured(command, [...before, ...args, ...quiet, ...patience], { cwd: folder });
  if (code === 0) return;
  process.stderr.write(output);
  if (/E404|ETARGET|EBADPLATFORM/.test(output) && name.startsWith("node-")) throw unsupported(`no package ${name}`);
  throw describeInstallFailure(what, output);
}

/** npm as a script for this Node: the one that started us, the one that came with this Node, else whatever PATH has. */
function findNpm() {
  const startedBy = process.env["npm_execpath"];
  const own = realpathSync(process.execPath);
  const candidates = [
    ...(startedBy !== undefined && basename(startedBy) === "npm-cli.js" ? [startedBy] : []),
    join(dirname(own), "..", "lib", "node_modules", "npm", "bin", "npm-cli.js"),
    "/usr/share/nodejs/npm/bin/npm-cli.js",
  ];
  const script = candidates.find((path) => existsSync(path));
  if (script !== undefined) return [process.execPath, script];
  const onPath = (process.env["PATH"] ?? "").split(delimiter).find((folder) => existsSync(join(folder, "npm")));
  if (onPath !== undefined) return [join(onPath, "npm")];
  throw new SetupError(
    "NPM_MISSING",
    "npm is neither beside this Node nor on PATH",
    "Install npm (Debian, Ubuntu: apt-get install npm)",
  );
}

async function check(node) {
  const { code, output } = await runCaptured(node, ["--version"]).catch((error) => ({
    code: 1,
    output: error.message,
  }));
  if (code !== 0 || output.trim() !== `v${NODE_VERSION}`)
    throw unsupported(`that binary does not run here (${output.trim()})`);
}

function unsupported(reason) {
  return new SetupError(
    "PLATFORM_UNSUPPORTED",
    `Node ${NODE_VERSION} for ${process.platform}-${process.arch} can't be had from the npm registry: ${reason}`,
    `Install Node ${NODE_MAJOR} or newer another way, put it first on PATH and run again`,
  );
}
