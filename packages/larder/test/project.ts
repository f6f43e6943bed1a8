import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { type ProcessResult, runProcess, type TemporaryFolder, temporaryFolder } from "@larder/testkit";
import { YAML } from "./definitions.ts";

/** The command as users run it, from source. */
export const LARDER = ["--conditions=@larder/source", join(import.meta.dirname, "../src/cli/main.ts")];

/** A folder with a feature_store.yaml, where the command is run. */
export interface Project extends AsyncDisposable {
  readonly folder: string;
  path(name: string): string;
  write(name: string, content: string | Uint8Array): Promise<string>;
  /** Writes the rows of a query to a Parquet file below the folder. */
  parquet(name: string, query: string): Promise<string>;
  larder(...args: readonly string[]): Promise<ProcessResult>;
  /** Runs a verb with --json and answers what it printed. */
  json(...args: readonly string[]): Promise<{ readonly code: number | null; readonly value: unknown }>;
}

/** Makes a folder with a feature_store.yaml. */
export async function createProject(yaml: string = YAML): Promise<Project> {
  const folder: TemporaryFolder = await temporaryFolder();
  const path = (name: string): string => join(folder.path, name);
  const larder = (...args: readonly string[]): Promise<ProcessResult> =>
    runProcess(process.execPath, [...LARDER, ...args], {
      cwd: folder.path,
      env: { INIT_CWD: undefined, NO_COLOR: undefined, FORCE_COLOR: undefined, LARDER_DEBUG: undefined },
    });
  const write = async (name: string, content: string | Uint8Array): Promise<string> => {
    await mkdir(join(path(name), ".."), { recursive: true });
    await writeFile(path(name), content);
    return path(name);
  };
  await write("feature_store.yaml", yaml);
  return {
    folder: folder.path,
    path,
    write,
    parquet: async (name, query) => {
      await mkdir(join(path(name), ".."), { recursive: true });
      await writeParquet(path(name), query);
      return path(name);
    },
    larder,
    json: async (...args) => {
      const { code, stdout } = await larder(...args, "--json");
      return { code, value: JSON.parse(stdout) };
    },
    [Symbol.asyncDispose]: () => folder.remove(),
  };
}

async function writeParquet(file: string, query: string): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  try {
    await connection.run(`SET TimeZone = 'UTC'; COPY (${query}) TO '${file.replaceAll("'", "''")}' (FORMAT parquet)`);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
