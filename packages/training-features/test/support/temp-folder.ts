import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A folder that goes with the test; its name has a space and a quote, as real ones do. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "larder it's "));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
