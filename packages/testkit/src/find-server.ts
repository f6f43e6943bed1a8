import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Programs of test servers, and how a machine without one gets it. */
const PROGRAMS = {
  redis: { file: "redis-server", remedy: "install Redis 7 yourself" },
  valkey: { file: "valkey-server", remedy: "install Valkey 8 yourself" },
  s3: { file: "versitygw", remedy: "install versitygw yourself" },
  k6: { file: "k6", remedy: "install k6 1.8 yourself" },
} as const;

/** Name of a program that speaks Redis's protocol. */
export type RedisProgram = Exclude<keyof typeof PROGRAMS, "s3" | "k6">;

/**
 * Path of a server program: the one on PATH, else the one that `npm test` keeps in the cache. LARDER_CACHE is set by every script of this
 * repository; scripts/servers fills it. Fails with the remedy when there is none.
 */
export function findServer(program: keyof typeof PROGRAMS): string {
  const { file, remedy } = PROGRAMS[program];
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, file);
    if (folder !== "" && isExecutable(path)) return path;
  }
  const cache = process.env["LARDER_CACHE"];
  if (cache !== undefined) {
    const path = join(cache, "servers", program, file);
    if (isExecutable(path)) return path;
  }
  const looked = cache === undefined ? "PATH (LARDER_CACHE is not set)" : `PATH and ${join(cache, "servers", program)}`;
  throw new Error(`There is no ${file} on ${looked}. Run "node scripts/servers/install.mjs ${program}", or ${remedy}.`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
