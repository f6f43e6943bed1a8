import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCaptured } from "./child.mjs";
import { say, step } from "./progress.mjs";
import { describeInstallFailure, SetupError } from "./setup-error.mjs";
import { takingTurns } from "./turns.mjs";

/**
 * Installs what pnpm-lock.yaml lists, unless nothing has changed since the last time. Two runs at once take turns. `storeOptions` says where pnpm
 * keeps its files when the home folder can't take them.
 */
export async function provideWorkspace(root, pnpmFolder, storeOptions) {
  if (isInstalled(root)) return;
  try {
    accessSync(root, constants.W_OK);
  } catch (error) {
    const remedy = "Clone the repository into a folder of your own, or have its owner run the command";
    throw new SetupError("FOLDER_NOT_WRITABLE", `${root} can't be written by this user`, remedy, error);
  }
  await takingTurns(join(root, ".larder", "install.lock"), async () => {
    if (isInstalled(root)) return;
    await step("dependencies by pnpm install --frozen-lockfile", () => install(root, pnpmFolder, storeOptions));
  });
}

/** Mark of a finished installation, with the hash of what it was made from. */
const STAMP = "node_modules/.larder-install";
/** npm leaves this behind: its folders and pnpm's don't mix. */
const NPM_MARK = "node_modules/.package-lock.json";

function isInstalled(root) {
  const stamp = join(root, STAMP);
  if (!existsSync(stamp) || existsSync(join(root, NPM_MARK))) return false;
  if (readFileSync(stamp, "utf8") !== fingerprint(root)) return false;
  return workspaceFolders(root).every((folder) => existsSync(join(folder, "node_modules")));
}

async function install(root, pnpmFolder, storeOptions) {
  if (existsSync(join(root, NPM_MARK))) {
    say('removing the node_modules that "npm install" made');
    await rm(join(root, "node_modules"), { recursive: true, force: true });
  }
  await rm(join(root, STAMP), { force: true });
  const args = [
    "install",
    "--frozen-lockfile",
    "--reporter=append-only",
    "--config.confirmModulesPurge=false",
    "--config.updateNotifier=false",
  ];
  const patience = ["--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"];
  // pnpm listens to npm's settings: under "npm run -s" it would not even say why it failed.
  const talk = process.env["npm_config_loglevel"] === "silent" ? ["--loglevel=error"] : [];
  const command = join(pnpmFolder, "pnpm");
  const options = { cwd: root, shown: true };
  const { code, output } = await runCaptured(command, [...args, ...patience, ...talk, ...storeOptions], options);
  if (code !== 0) throw describeInstallFailure("The dependencies", output);
  await writeFile(join(root, STAMP), fingerprint(root));
}

/** All that decides what is installed: the lockfile, every package.json, the platform, and the place, which shims in node_modules/.bin contain. */
function fingerprint(root) {
  const hash = createHash("sha256");
  hash.update(`${root} ${process.platform} ${process.arch} ${process.versions.modules}\n`);
  const manifests = workspaceFolders(root).map((folder) => join(folder, "package.json"));
  for (const name of ["pnpm-lock.yaml", "pnpm-workspace.yaml", ".npmrc"]) hash.update(readFileSync(join(root, name)));
  for (const path of manifests) hash.update(readFileSync(path));
  return `${hash.digest("hex")}\n`;
}

/** The root and every package, as pnpm-workspace.yaml lists them. */
function workspaceFolders(root) {
  const folders = ["packages", "examples"].flatMap((group) =>
    readdirSync(join(root, group))
      .sort()
      .map((name) => join(root, group, name)),
  );
  return [root, join(root, "scripts"), ...folders.filter((folder) => existsSync(join(folder, "package.json")))];
}
