// The way in for everything: `node scripts/bootstrap.mjs <command> [arguments]`, which is what the root's npm scripts call. It needs Node 20 or
// newer and npm, nothing else: it puts Node 24 and pnpm into a cache where the machine lacks them, runs itself again on that Node, installs the
// dependencies from the frozen lockfile, and runs the command. What it says goes to stderr.
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { endAs, runForeground } from "./bootstrap/child.mjs";
import { commandLine } from "./bootstrap/commands.mjs";
import { SetupError } from "./bootstrap/setup-error.mjs";
import { provideNode, providePnpm } from "./bootstrap/tools.mjs";
import { provideWorkspace } from "./bootstrap/workspace.mjs";
import { cacheFolder, writableHome } from "./cache-folder.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`larder: ${error.code}: ${error.message}\n`);
  process.exitCode = error.code === "UNKNOWN_COMMAND" ? 2 : 1;
}

async function main([command, ...args]) {
  const { program, options } = commandLine(root, command, args);
  const cache = cacheFolder();
  const homeless = writableHome() === undefined;
  Object.assign(process.env, {
    LARDER_CACHE: cache,
    TURBO_TELEMETRY_DISABLED: "1",
    DO_NOT_TRACK: "1",
    ONNXRUNTIME_NODE_INSTALL: "skip",
    // npm writes its cache and logs under the home folder, where it can.
    ...(homeless ? { npm_config_cache: join(cache, "npm") } : {}),
  });
  const node = await provideNode(cache);
  if (node !== process.execPath) {
    process.env["PATH"] = before(dirname(node), process.env["PATH"]);
    endAs(await runForeground(node, [fileURLToPath(import.meta.url), command, ...args]));
    return;
  }
  const pnpm = await providePnpm(cache, root);
  process.env["PATH"] = before(dirname(node), before(pnpm, process.env["PATH"]));
  await provideWorkspace(root, pnpm, homeless ? storeOptions(cache) : []);
  endAs(await runForeground(node, program, options));
}

/** `folder` first on the path, once. */
function before(folder, path = "") {
  return [folder, ...path.split(delimiter).filter((other) => other !== folder && other !== "")].join(delimiter);
}

/** pnpm keeps four kinds of files under the home folder. */
function storeOptions(cache) {
  const folder = join(cache, "pnpm");
  process.env["XDG_CONFIG_HOME"] = join(folder, "config");
  return ["store-dir", "cache-dir", "state-dir"].map((name) => `--config.${name}=${join(folder, name)}`);
}
