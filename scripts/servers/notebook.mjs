import { readFile } from "node:fs/promises";
import { providePython } from "./python-environment.mjs";

const REQUIREMENTS = new URL("../../examples/churn/requirements.txt", import.meta.url);

/** Python with what examples/churn/train.py and its notebook need: some 800 MB. */
export async function provideNotebook(options) {
  const pinned = await readFile(REQUIREMENTS, "utf8");
  return providePython({
    ...options,
    name: "notebook",
    title: "Python for notebooks, with scikit-learn",
    requirement: "scikit-learn",
    distribution: "scikit-learn",
    packages: pinned.split("\n").filter((line) => /^[a-z]/.test(line)),
    // Of many large modules few are imported.
    pip: ["--no-compile"],
  });
}
