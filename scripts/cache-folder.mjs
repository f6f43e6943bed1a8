import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { homedir, tmpdir, userInfo } from "node:os";
import { join, resolve } from "node:path";

/**
 * Where Node, pnpm and the test servers are kept, outside of node_modules: LARDER_CACHE, else XDG_CACHE_HOME/larder, else ~/.cache/larder, else a
 * private folder under the system's temporary one. The folder exists and can be written. Runs on Node 20.0.
 */
export function cacheFolder(env = process.env) {
  if (env["LARDER_CACHE"]) {
    const path = resolve(env["INIT_CWD"] ?? process.cwd(), env["LARDER_CACHE"]);
    if (isUsable(path)) return path;
    throw new Error(
      `LARDER_CACHE names ${path}, which is not a folder that this user owns and can write. Name another.`,
    );
  }
  const home = homeFolder(env);
  const candidates = [
    ...(env["XDG_CACHE_HOME"] ? [join(env["XDG_CACHE_HOME"], "larder")] : []),
    ...(home === undefined ? [] : [join(home, ".cache", "larder")]),
    join(tmpdir(), `larder-cache-${userName()}`),
  ];
  const usable = candidates.find(isUsable);
  if (usable === undefined)
    throw new Error(
      `None of ${candidates.join(", ")} is this user's own and can be written. Name a folder in LARDER_CACHE.`,
    );
  return usable;
}

/** The user's home folder, when it can be written. */
export function writableHome(env = process.env) {
  const home = homeFolder(env);
  return home !== undefined && isWritable(home) ? home : undefined;
}

function homeFolder(env) {
  return env["HOME"] || homedir() || undefined;
}

function userName() {
  return process.getuid?.() ?? userInfo().username;
}

/** Programs are run from it, so it must be this user's own: under the system's temporary folder anybody could have made it first. */
function isUsable(path) {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return isWritable(path) && statSync(path).uid === (process.getuid?.() ?? 0);
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
