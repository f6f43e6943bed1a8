import { basename } from "node:path";
import { type Definitions, GENERATED_MARK, type GeneratedKind, generateTypes, LarderError } from "@larder/schema";
import { readGenerated, writeGenerated } from "./generated-file.ts";

/**
 * Writes the types of the definitions; true when the file was not up to date.
 * @throws OUTPUT_UNWRITABLE, also for a file that was not generated
 */
export async function writeTypes(definitions: Definitions, out: string, kind: GeneratedKind): Promise<boolean> {
  const text = generateTypes(definitions, kind);
  const before = await readGenerated(out);
  if (before === text) return false;
  if (before !== undefined && before !== "" && !before.startsWith(GENERATED_MARK)) {
    throw new LarderError("OUTPUT_UNWRITABLE", {
      what: `${out} exists and was not written by \`larder codegen\``,
      remedy: "Name another file with --out, or remove this one",
      facts: { out },
    });
  }
  await writeGenerated(out, text);
  return true;
}

/** @throws CODEGEN_STALE unless the file is what {@link writeTypes} would write, OUTPUT_UNWRITABLE */
export async function checkTypes(definitions: Definitions, out: string, kind: GeneratedKind): Promise<void> {
  const found = await readGenerated(out);
  if (found === generateTypes(definitions, kind)) return;
  throw new LarderError("CODEGEN_STALE", {
    what:
      found === undefined
        ? `There is no ${out}`
        : `${out} is not what codegen writes for ${basename(definitions.file)} as it is now`,
    remedy: `Run \`larder codegen${kind === "client" ? " --client" : ""}\` and commit what it wrote`,
    facts: { out, file: definitions.file },
  });
}
