import { mkdir, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { step } from "./progress.mjs";

const BEAT_MS = 1_000;
const STALE_MS = 10_000;

/**
 * Lets one process at a time do `work`; the folder `lock` stands while one does. Its holder touches it every second, so that one that was killed
 * is taken over ten seconds later.
 */
export async function takingTurns(lock, work) {
  await mkdir(dirname(lock), { recursive: true });
  if (!(await acquired(lock))) await step("waiting for another run that is installing here", () => acquire(lock));
  const beat = setInterval(() => {
    const now = new Date();
    utimes(lock, now, now).catch(() => {});
  }, BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    await rm(lock, { recursive: true, force: true });
  }
}

async function acquire(lock) {
  while (!(await acquired(lock))) await pause(200);
}

async function acquired(lock) {
  try {
    await mkdir(lock);
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  if ((await ageOf(lock)) <= STALE_MS) return false;
  // Moved first, then looked at again: of two that wait, the slower one may have moved the faster one's new lock, and puts it back.
  const moved = `${lock}.${process.pid}`;
  await rename(lock, moved).catch(() => {});
  if ((await ageOf(moved)) <= STALE_MS) await rename(moved, lock).catch(() => {});
  await rm(moved, { recursive: true, force: true });
  return false;
}

/** Milliseconds since the holder last touched it; 0 when it is gone. */
async function ageOf(path) {
  const now = Date.now();
  const info = await stat(path).catch(() => undefined);
  return info === undefined ? 0 : now - info.mtimeMs;
}
