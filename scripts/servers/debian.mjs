import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { RemedyError } from "./remedy-error.mjs";

const run = promisify(execFile);

/**
 * Unpacks Debian packages, and what they need that the machine lacks, into `folder`: no root, no installation, no service started. Uses the
 * machine's package lists; where there are none, or they are too old, lists of its own in the cache. `backports: true` looks into the backports of
 * the machine's release as well, with lists of its own.
 */
export async function unpackDebianPackages(packages, { folder, cache, remedy, backports = false }) {
  for (const tool of ["apt-get", "apt-cache", "dpkg-deb", "dpkg-query"]) {
    if (!["/usr/bin", "/bin"].some((place) => existsSync(join(place, tool)))) {
      throw new RemedyError(`${tool} is missing, so Debian packages can't be unpacked`, remedy);
    }
  }
  const archives = join(folder, ".archives");
  await mkdir(archives);
  try {
    try {
      const lists = backports ? await backportsLists(join(cache, "servers", "apt-backports")) : [];
      await fetchAndUnpack(lists, packages, archives, folder);
    } catch (error) {
      if (backports) throw error;
      // Whatever the reason, lists that are fresh are the one thing that may help; what fails then is told.
      await fetchAndUnpack(await privateLists(join(cache, "servers", "apt")), packages, archives, folder);
    }
  } catch (error) {
    const said = String(error.stderr ?? error.message).trim();
    throw new RemedyError(
      `apt-get could not download ${packages.join(", ")}: ${said.split("\n").at(-1)}`,
      remedy,
      error,
    );
  }
  await rm(archives, { recursive: true, force: true });
}

/** Folders of `folder` that hold shared libraries, for LD_LIBRARY_PATH. */
export async function libraryFolders(folder) {
  const found = [];
  for (const base of ["lib", "usr/lib"]) {
    if (!existsSync(join(folder, base))) continue;
    found.push(base);
    for (const name of await readdir(join(folder, base)))
      if (name.endsWith("-linux-gnu")) found.push(`${base}/${name}`);
  }
  return found;
}

const MINUTES_MS = 180_000;
const HOUR_MS = 3_600_000;
const LONG = 16 * 1024 * 1024;
const ENV = { ...process.env, LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" };

async function fetchAndUnpack(options, packages, archives, folder) {
  const needed = await withMissingDependencies(options, packages);
  await apt(["apt-get", "-q", ...options, "download", ...needed], archives);
  for (const file of await readdir(archives)) {
    if (file.endsWith(".deb")) await run("dpkg-deb", ["-x", join(archives, file), folder], { timeout: MINUTES_MS });
  }
}

/** Options that make apt read the machine's release and its backports, from the mirror the machine uses. */
async function backportsLists(folder) {
  const release = /^VERSION_CODENAME=(.+)$/m.exec(await readFile("/etc/os-release", "utf8"))?.[1];
  const texts = [await readFile("/etc/apt/sources.list", "utf8").catch(() => "")];
  const parts = "/etc/apt/sources.list.d";
  for (const name of existsSync(parts) ? await readdir(parts) : [])
    texts.push(await readFile(join(parts, name), "utf8"));
  const mirror = /^(?:URIs:|deb\s.*?)\s*(https?:\/\/\S+\/debian)\/?(?:\s|$)/m.exec(texts.join("\n"))?.[1];
  if (release === undefined || mirror === undefined) throw new Error("this machine names no mirror of Debian");
  await mkdir(folder, { recursive: true });
  const list = join(folder, "sources.list");
  const lines = [release, `${release}-backports`].map(
    (suite) => `deb [signed-by=${KEYRING}] ${mirror} ${suite} main\n`,
  );
  await writeFile(list, lines.join(""));
  return privateLists(folder, ["-o", `Dir::Etc::sourcelist=${list}`, "-o", "Dir::Etc::sourceparts=-"]);
}

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** Options that make apt use lists in `folder`, fetched unless another package has just needed them. */
async function privateLists(folder, sources = []) {
  const options = [...sources, "-o", `Dir::State::lists=${folder}/lists`, "-o", `Dir::Cache=${folder}/cache`];
  const info = await stat(join(folder, "updated")).catch(() => undefined);
  if (info !== undefined && Date.now() - info.mtimeMs < HOUR_MS) return options;
  await mkdir(join(folder, "lists", "partial"), { recursive: true });
  await mkdir(join(folder, "cache", "archives", "partial"), { recursive: true });
  await apt(["apt-get", "-qq", ...options, "update"], folder);
  await writeFile(join(folder, "updated"), "");
  return options;
}

/** The packages and, level by level, those of their dependencies that are not installed. Of alternatives the first is taken. */
async function withMissingDependencies(options, packages) {
  const needed = new Set(packages);
  let level = [...packages];
  while (level.length > 0) {
    const { stdout } = await apt(["apt-cache", ...options, "depends", "--important", ...level], ".");
    const names = [...stdout.matchAll(/^ {2}(?:Pre)?Depends: ([a-z0-9][a-z0-9.+-]*)$/gm)].map((match) => match[1]);
    const fresh = [...new Set(names)].filter((name) => !needed.has(name));
    const installed = await installedPackages(fresh);
    level = fresh.filter((name) => !installed.has(name));
    for (const name of level) needed.add(name);
  }
  return [...needed];
}

async function installedPackages(names) {
  if (names.length === 0) return new Set();
  // dpkg-query exits 1 when it does not know one of the names, and still describes the others.
  const described = await run("dpkg-query", ["-s", ...names], { env: ENV, maxBuffer: LONG }).then(
    (result) => result.stdout,
    (error) => error.stdout ?? "",
  );
  const found = described.matchAll(/^Package: (.+)\nStatus: install ok installed$/gm);
  return new Set([...found].map((match) => match[1]));
}

function apt([command, ...args], cwd) {
  // As root, apt drops to a user of its own, which can't write into a private folder.
  const options = ["-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=30"];
  return run(command, [...options, ...args], { cwd, env: ENV, timeout: MINUTES_MS, maxBuffer: LONG });
}
