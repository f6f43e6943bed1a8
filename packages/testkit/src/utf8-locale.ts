import { existsSync } from "node:fs";
import { join } from "node:path";
import { runProcess } from "./process.ts";

/** Name of the locale that servers are tried under: it sorts text otherwise than by bytes, as many a machine's default does. */
const NAME = "en_US.UTF-8";

/** Environment for a server that shall run under en_US.UTF-8: the machine's locale, else the one that `npm test` keeps in the cache. */
export async function utf8Locale(): Promise<Readonly<Record<string, string>>> {
  const cache = process.env["LARDER_CACHE"];
  const made = cache === undefined ? undefined : join(cache, "servers", "utf8-locale");
  if (made !== undefined && existsSync(join(made, NAME))) return { LC_ALL: NAME, LOCPATH: made };
  const { stdout } = await runProcess("locale", ["-a"]);
  if (/^en_US\.utf-?8$/im.test(stdout)) return { LC_ALL: NAME };
  throw new Error(`There is no locale ${NAME}. Run "node scripts/servers/install.mjs utf8-locale".`);
}
