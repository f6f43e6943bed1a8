import { resolve } from "node:path";
import { FeatureStoreFile } from "./definition-schema.ts";
import type { Definitions } from "./definitions.ts";
import { LarderError } from "./errors.ts";
import { createCheckContext } from "./load/check-context.ts";
import { checkModels } from "./load/check-models.ts";
import { checkRest } from "./load/check-rest.ts";
import { checkServices } from "./load/check-services.ts";
import { checkShape, type ShapedFile } from "./load/check-shape.ts";
import { checkViews } from "./load/check-views.ts";
import { compileDefinitions } from "./load/compile-definitions.ts";
import { isFeastFile, readFeastFile } from "./load/feast-file.ts";
import { includePatterns, readIncludedFiles } from "./load/include-files.ts";
import { mergeFiles } from "./load/merge-files.ts";
import { readBounded } from "./load/read-bounded.ts";
import { ProblemList } from "./problem-list.ts";
import { decodeUtf8, invalidUtf8Offset } from "./utf8.ts";
import type { Environment } from "./yaml/expand-variables.ts";
import { fullBudget, LIMITS } from "./yaml/limits.ts";
import type { ReadYamlContext } from "./yaml/node-reader.ts";
import type { PlacedNode } from "./yaml/placed-node.ts";
import { readYaml } from "./yaml/read-yaml.ts";

/** Options of {@link loadDefinitions}. */
export interface LoadOptions {
  /** What `${VAR}` expands to. Default `process.env`. */
  readonly env?: Environment;
}

/** Options of {@link parseDefinitions}. */
export interface ParseOptions {
  /** The file's name: relative paths count from its folder. Default `feature_store.yaml`. */
  readonly file?: string;
  /** What `${VAR}` expands to. Default: nothing is set. */
  readonly env?: Environment;
}

/**
 * Loads a `feature_store.yaml` and the files it includes.
 * @throws CONFIG_UNREADABLE if the file cannot be read; CONFIG_INVALID with every problem in it, each as `file:line:col: path: what: remedy`
 */
export async function loadDefinitions(path: string, options: LoadOptions = {}): Promise<Definitions> {
  const loader = new Loader(path, options.env ?? process.env);
  const root = loader.readBytes(await readMain(path), path);
  const patterns = root === undefined ? [] : includePatterns(root);
  const before = loader.problems.size;
  const files = await readIncludedFiles(patterns, path, loader.problems);
  const included = files.map((file) => loader.readBytes(file.bytes, file.name));
  const whole = !included.includes(undefined) && loader.problems.size === before;
  return loader.finish(root, included, whole);
}

/**
 * The same for a text at hand. It reads no file, so `include` is a problem here.
 * @throws CONFIG_INVALID with every problem in it
 */
export function parseDefinitions(text: string, options: ParseOptions = {}): Definitions {
  const loader = new Loader(options.file ?? "feature_store.yaml", options.env ?? {});
  const root = loader.readText(text, options.file ?? "feature_store.yaml");
  const patterns = root === undefined ? [] : includePatterns(root);
  for (const pattern of patterns) {
    if (pattern.kind !== "scalar") continue;
    loader.problems.add(pattern, "names files, and this text is read without any", "Load the file from disk");
  }
  return loader.finish(root, [], patterns.length === 0);
}

class Loader {
  readonly problems = new ProblemList();
  readonly #file: string;
  readonly #env: Environment;
  readonly #budget = fullBudget();

  constructor(file: string, env: Environment) {
    this.#file = file;
    this.#env = env;
  }

  readBytes(bytes: Uint8Array, file: string): PlacedNode | undefined {
    // Too large to be looked at, and maybe cut in the middle of a character.
    if (bytes.length > LIMITS.bytes) return this.#refuseSize(file);
    const good = invalidUtf8Offset(bytes);
    if (good === bytes.length) return this.readText(decodeUtf8(bytes), file);
    const lines = decodeUtf8(bytes.subarray(0, good)).split("\n");
    const at = { place: `${file}:${lines.length}:${(lines.at(-1) ?? "").length + 1}`, field: "file" };
    this.problems.add(at, "is not UTF-8 text", "Save the file as UTF-8");
    return undefined;
  }

  readText(text: string, file: string): PlacedNode | undefined {
    if (Buffer.byteLength(text) > LIMITS.bytes) return this.#refuseSize(file);
    const context: ReadYamlContext = { file, env: this.#env, problems: this.problems, budget: this.#budget };
    const root = readYaml(text, context);
    if (root === undefined || root.kind === "map" || root.kind === "broken") return root;
    this.problems.add(root, "is not a map", "Start with project: and online_store:");
    return undefined;
  }

  #refuseSize(file: string): undefined {
    const at = { place: `${file}:1:1`, field: "file" };
    this.problems.add(at, `is larger than ${LIMITS.bytes} bytes`, "Split it, or remove what is no configuration");
  }

  /**
   * Checks everything that could be read, so that all problems are reported together; then compiles. Where a file is missing from the whole,
   * references are not looked into: what they name may be in it.
   */
  finish(main: PlacedNode | undefined, included: readonly (PlacedNode | undefined)[], whole: boolean): Definitions {
    if (main?.kind !== "map") throw this.problems.toError(this.#file);
    const read = included.filter((file) => file !== undefined);
    const merged = mergeFiles(main, read, this.problems);
    const { root, notices } = isFeastFile(merged)
      ? readFeastFile(merged, this.problems, this.#env)
      : { root: merged, notices: [] };
    const shaped = checkShape<FeatureStoreFile>(FeatureStoreFile, root, this.problems);
    if (whole) checkMeaning(shaped, this.problems);
    if (this.problems.size > 0) throw this.problems.toError(this.#file);
    return compileDefinitions({
      // Nothing is missing: every hole in a loose value comes with a problem.
      value: shaped.value as FeatureStoreFile,
      file: resolve(this.#file),
      placeOf: (path) => shaped.at(path).place,
      notices,
    });
  }
}

function checkMeaning(shaped: ShapedFile<FeatureStoreFile>, problems: ProblemList): void {
  const context = createCheckContext(shaped, problems);
  checkViews(context);
  checkModels(context, checkServices(context));
  checkRest(context);
}

async function readMain(path: string): Promise<Uint8Array> {
  try {
    return await readBounded(path);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    throw new LarderError("CONFIG_UNREADABLE", {
      what: code === "ENOENT" ? `There is no file ${path}` : `${path} cannot be read (${code})`,
      remedy:
        code === "ENOENT"
          ? "Go to the folder that has it, or name it with -f; `larder init demo` writes one to begin with"
          : "Check the file and its permissions",
      facts: { file: path, code },
      cause,
    });
  }
}
