import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { SetupError } from "./bootstrap/setup-error.mjs";

/**
 * Where Node, pnpm and the test servers are kept, outside of node_modules: LARDER_CACHE, else XDG_CACHE_HOME/larder, else ~/.cache/larder, else a
 * private folder under the system's temporary one. The folder exists and can be written. Runs on Node 20.0.
 */
export function cacheFolder(env = process.env) {
  if (env["LARDER_CACHE"]) {
    const path = resolve(env["INIT_CWD"] ?? process.cwd(), env["LARDER_CACHE"]);
    if (canBeMade(path)) return path;
    throw new SetupError(
      "CACHE_UNUSABLE",
      `LARDER_CACHE names ${path}, which can't be written`,
      "Name a folder of your own",
    );
  }
  const home = homeFolder(env);
  const candidates = [
    ...(env["XDG_CACHE_HOME"] ? [join(env["XDG_CACHE_HOME"], "larder")] : []),
    ...(home === undefined ? [] : [join(home, ".cache", "larder")]),
    join(env["TMPDIR"] || tmpdir(), `larder-cache-${userNumber()}`),
  ];
  // Programs are run from it, so a folder that nobody chose must be this user's own: anybody can make one under the system's temporary folder.
  const usable = candidates.find((path) => canBeMade(path) && statSync(path).uid === userNumber());
  if (usable !== undefined) return usable;
  const what = `None of ${candidates.join(", ")} is this user's own and can be written`;
  throw new SetupError("CACHE_UNUSABLE", what, "Name a folder of your own in LARDER_CACHE");
}

/** The user's home folder, when it can be written. */
export function writableHome(env = process.env) {
  const home = homeFolder(env);
  return home !== undefined && isWritable(home) ? home : undefined;
}

function homeFolder(env) {
  return env["HOME"] || homedir() || undefined;
}

function userNumber() {
  return process.getuid?.() ?? 0;
}

function canBeMade(path) {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return isWritable(path);
  } catch {
    return false;
  }
}

function isWritable(path) {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
