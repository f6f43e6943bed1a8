import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/**
 * Fills `folder` once: `make(temporary)` fills a folder beside it, which then takes its name in one step. Two runs at once do the work twice and
 * one of them wins; a run that is killed leaves nothing that looks finished. Returns whether this run made it. Runs on Node 20.0.
 */
export async function installOnce(folder, make) {
  if (existsSync(folder)) return false;
  const parent = dirname(folder);
  await mkdir(parent, { recursive: true, mode: 0o700 });
  await sweep(parent);
  const temporary = await mkdtemp(join(parent, `${PREFIX}${basename(folder)}-`));
  try {
    await make(temporary);
    await rename(temporary, folder);
    return true;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if ((error.code === "EEXIST" || error.code === "ENOTEMPTY") && existsSync(folder)) return false;
    throw error;
  }
}

const PREFIX = ".unfinished-";
const DAY_MS = 86_400_000;

/** What killed runs left behind, once no live run can still be working on it. */
async function sweep(parent) {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(PREFIX)) continue;
    const path = join(parent, name);
    const info = await stat(path).catch(() => undefined);
    if (info !== undefined && performance.timeOrigin - info.mtimeMs > DAY_MS) {
      await rm(path, { recursive: true, force: true });
    }
  }
}
