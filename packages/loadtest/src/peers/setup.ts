import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { redisCommand, runProcess } from "@larder/testkit";
import { fingerprintOf, type Machine, thisMachine } from "../machine.ts";
import { PATHS, peersPython } from "./data.ts";

/** The machine and what ran on it. */
export interface Setup {
  /** Equal for runs that can be compared: of the machine and of what is compared. */
  readonly fingerprint: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
}

const DISTRIBUTIONS = ["feast", "bentoml", "fastapi", "uvicorn", "redis", "hiredis", "onnxruntime"];
const PACKAGES = ["fastify", "ioredis", "onnxruntime-node"];

/** Asks the machine, Redis, Python and the Node packages. */
export async function describeSetup(redisPort: number): Promise<Setup> {
  const redis = /redis_version:(\S+)/.exec(String(await redisCommand(redisPort, "INFO", "server")))?.[1] ?? "";
  const machine = thisMachine(redis);
  const versions = { ...nodeVersions(), ...(await pythonVersions()) };
  return { fingerprint: fingerprintOf(machine, versions), machine, versions };
}

function nodeVersions(): Readonly<Record<string, string>> {
  const require = createRequire(join(PATHS.nodeRoot, "package.json"));
  return Object.fromEntries(
    PACKAGES.map((name) => {
      const { version }: { version: string } = JSON.parse(readFileSync(packageFile(require, name), "utf8"));
      return [name, version];
    }),
  );
}

/** By its folder, since not every package lets its package.json be required. */
function packageFile(require: NodeJS.Require, name: string): string {
  const folders = require.resolve.paths(name) ?? [];
  const files = folders.map((folder) => join(folder, name, "package.json"));
  const found = files.find((file) => {
    try {
      readFileSync(file);
      return true;
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`${name} is not installed`);
  return found;
}

async function pythonVersions(): Promise<Readonly<Record<string, string>>> {
  const script = `import importlib.metadata as m, json, platform
print(json.dumps({"python": platform.python_version(), **{n + " (PyPI)": m.version(n) for n in ${JSON.stringify(DISTRIBUTIONS)}}}))`;
  const { code, stdout, stderr } = await runProcess(peersPython(), ["-c", script]);
  if (code !== 0) throw new Error(`Python does not tell its versions: ${stderr}`);
  return JSON.parse(stdout);
}
