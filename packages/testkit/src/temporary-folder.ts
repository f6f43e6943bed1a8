import { rmSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of one test's own. */
export interface TemporaryFolder {
  readonly path: string;
  remove(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Makes an empty folder, removed by `remove`, by `await using`, or at the latest when the process exits. Its name holds a space on purpose. */
export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await realpath(await mkdtemp(join(tmpdir(), "larder test-")));
  left.add(path);
  if (left.size === 1) process.once("exit", removeLeft);
  const remove = async () => {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
    left.delete(path);
    if (left.size === 0) process.removeListener("exit", removeLeft);
  };
  return { path, remove, [Symbol.asyncDispose]: remove };
}

const left = new Set<string>();

function removeLeft(): void {
  for (const path of left) rmSync(path, { recursive: true, force: true });
}
