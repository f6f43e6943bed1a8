import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { installOnce } from "../install-once.mjs";
import { unpackDebianPackages } from "./debian.mjs";

const run = promisify(execFile);
const REMEDY =
  "Generate en_US.UTF-8 (Debian, Ubuntu: apt-get install locales && localedef -i en_US -f UTF-8 en_US.UTF-8)";

/** The locale en_US.UTF-8, which sorts otherwise than by bytes: the machine's, else one made from Debian's sources in the cache. */
export async function provideUtf8Locale({ cache }) {
  const { stdout } = await run("locale", ["-a"]).catch(() => ({ stdout: "" }));
  if (/^en_US\.utf-?8$/im.test(stdout)) return "en_US.UTF-8 of the machine";
  await installOnce(join(cache, "servers", "utf8-locale"), async (temporary) => {
    await unpackDebianPackages(["locales"], { folder: temporary, cache, remedy: REMEDY });
    const env = { ...process.env, I18NPATH: join(temporary, "usr", "share", "i18n") };
    await run("localedef", ["-i", "en_US", "-f", "UTF-8", join(temporary, "en_US.UTF-8")], { env, timeout: 60_000 });
  });
  return "en_US.UTF-8 in the cache";
}
