import { chmod, copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ChildHandle, followGuide, freePort, runProcess, startProcess } from "@larder/testkit";
import { expect, test } from "vitest";
import { churnFolder } from "./churn-folder.ts";

const EXAMPLE = join(import.meta.dirname, "..");
const PAGE = join(EXAMPLE, "../../docs/python.md");
const NOTEBOOK = join(EXAMPLE, "churn.ipynb");
const PYTHON = join(process.env["LARDER_CACHE"] ?? "", "servers", "notebook", "bin", "python");
const LARDER = ["--conditions=@larder/source", join(EXAMPLE, "../../packages/larder/src/cli/main.ts")];

/** Long enough for a machine that has much else to do. */
const COMMAND_MS = 240_000;

test("docs/python.md works, command by command: what Python trains on a training set is the shipped model, and is served as Python has it", async () => {
  const port = String(await freePort());
  const page = (await readFile(PAGE, "utf8")).replaceAll("6566", port);
  await using folder = await churnFolder();
  const { path } = folder;
  for (const name of ["train.py", "churn.ipynb"]) await copyFile(join(EXAMPLE, name), join(path, name));
  await copyFile(join(EXAMPLE, "models", "metrics.json"), join(path, "models", "metrics.json"));
  await script(join(path, "bin", "larder"), `exec "${process.execPath}" ${LARDER.map(quoted).join(" ")} "$@"`);
  await script(join(path, ".venv", "bin", "python"), `exec "${PYTHON}" "$@"`);
  // As the environment's own program does it, which does not move with the environment.
  const execute = "from nbclient.cli import main; main()";
  await script(join(path, ".venv", "bin", "jupyter"), `shift; exec "${PYTHON}" -c "${execute}" "$@"`);
  const env = {
    INIT_CWD: undefined,
    NO_COLOR: undefined,
    PATH: `${join(path, "bin")}:${process.env["PATH"]}`,
    LARDER_URL: `http://127.0.0.1:${port}`,
    PYTHONDONTWRITEBYTECODE: undefined,
    JUPYTER_RUNTIME_DIR: join(path, "jupyter"),
    IPYTHONDIR: join(path, "ipython"),
  };
  await using servers = new AsyncDisposableStack();
  let server: ChildHandle | undefined;
  const run = async (line: string, cwd: string) => {
    // Both are there: the environment is the cache's.
    if (line.startsWith("python3 -m venv") || line.includes("pip install")) return { code: 0, output: "" };
    if (line === "node scripts/generate.ts") {
      const { code, stderr } = await folder.generate();
      return { code, output: stderr };
    }
    if (line === "larder serve &") {
      const args = [...LARDER, "serve", "--port", port, "--json"];
      server = servers.use(await startProcess(process.execPath, args, { cwd, env }));
      await server.waitForLine(/^\{"url"/, 60_000);
      return { code: 0, output: "" };
    }
    if (line === "kill %1") {
      server?.signal("SIGTERM");
      expect(await server?.waitForExit()).toEqual({ code: 0, signal: null });
      return { code: 0, output: "" };
    }
    const { code, stdout, stderr } = await runProcess("bash", ["-c", line], { cwd, env, ms: COMMAND_MS });
    return { code, output: code === 0 ? stdout : stdout + stderr };
  };
  expect(await followGuide(page, { folder: path, run })).toBeGreaterThan(8);
  const [trained, shipped] = await Promise.all(
    [path, EXAMPLE].map((each) => readFile(join(each, "models", "churn.onnx"))),
  );
  expect(trained?.equals(shipped ?? Buffer.alloc(0))).toBe(true);
}, 900_000);

test("the notebook is kept without what it printed", async () => {
  const { cells } = JSON.parse(await readFile(NOTEBOOK, "utf8")) as {
    cells: { outputs?: unknown[]; execution_count?: unknown }[];
  };
  expect(cells.flatMap(({ outputs = [] }) => outputs)).toEqual([]);
  expect(cells.filter(({ execution_count }) => execution_count != null)).toEqual([]);
});

async function script(file: string, line: string): Promise<void> {
  await mkdir(join(file, ".."), { recursive: true });
  await writeFile(file, `#!/bin/sh\n${line}\n`);
  await chmod(file, 0o755);
}

function quoted(text: string): string {
  return `"${text}"`;
}
