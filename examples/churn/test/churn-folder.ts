import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ProcessOptions, type ProcessResult, runProcess, startProcess, temporaryFolder } from "@larder/testkit";

const EXAMPLE = join(import.meta.dirname, "..");
const LARDER = [
  "--conditions=@larder/source",
  join(EXAMPLE, "..", "..", "packages", "larder", "src", "cli", "main.ts"),
] as const;

/** A copy of the example in a folder of the test's own: definitions and model, no data yet. */
export interface ChurnFolder extends AsyncDisposable {
  readonly path: string;
  /** Of feature_store.yaml. */
  readonly file: string;
  /** Runs scripts/generate.ts into the copy. */
  generate(...args: readonly string[]): Promise<ProcessResult>;
  /** Runs a verb of `larder` in the copy. */
  larder(...args: readonly string[]): Promise<ProcessResult>;
  /** Starts `larder serve` in the copy, on a free port. */
  serve(): Promise<{ readonly url: string } & AsyncDisposable>;
}

/** The example's own store, with more patience than its 50 ms: a test reads thousands of rows at once, on a machine that does other things, too. */
const PATIENT = "{ type: sqlite, path: .larder/online.db, deadline: 20s, write_deadline: 20s }";

/** Copies the example; `edit` may change its definitions. */
export async function churnFolder(edit: (yaml: string) => string = withOnlineStore(PATIENT)): Promise<ChurnFolder> {
  const folder = await temporaryFolder();
  const { path } = folder;
  const file = join(path, "feature_store.yaml");
  await mkdir(join(path, "models"));
  await copyFile(join(EXAMPLE, "models", "churn.onnx"), join(path, "models", "churn.onnx"));
  await writeFile(file, edit(await readFile(join(EXAMPLE, "feature_store.yaml"), "utf8")));
  const options: ProcessOptions = { cwd: path, env: { INIT_CWD: path } };
  return {
    path,
    file,
    generate: (...args) =>
      runProcess(
        process.execPath,
        [join(EXAMPLE, "scripts", "generate.ts"), "--out", join(path, "data"), ...args],
        options,
      ),
    larder: (...args) => runProcess(process.execPath, [...LARDER, ...args], options),
    async serve() {
      const child = await startProcess(process.execPath, [...LARDER, "serve", "--port", "0", "--json"], options);
      const line = await child.waitForLine(/^\{"url"/);
      const { url }: { url: string } = JSON.parse(line);
      return { url, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
    },
    [Symbol.asyncDispose]: () => folder.remove(),
  };
}

/** Replaces the definitions' online store. */
export function withOnlineStore(store: string): (yaml: string) => string {
  return (yaml) => replaceOnce(yaml, /^online_store: .*$/m, `online_store: ${store}`);
}

/** Replaces what must be there, so that a test that edits the definitions notices when they have changed. */
export function replaceOnce(text: string, pattern: RegExp, by: string): string {
  if (!pattern.test(text)) throw new Error(`feature_store.yaml has nothing like ${pattern}.`);
  return text.replace(pattern, by);
}
