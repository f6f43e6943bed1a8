import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCli } from "../src/cli/program.ts";
import { plainTerminal } from "./cli/plain-terminal.ts";
import { PLANS } from "./definitions.ts";
import { createProject } from "./project.ts";

const GUIDE = join(import.meta.dirname, "../../../docs/changing-definitions.md");

/** A diff of the guide: each line that goes is replaced by the one that comes; what only comes goes below the line it belongs to. */
function edited(yaml: string, diff: string): string {
  const gone = /^-(.*)$/m.exec(diff)?.[1];
  const come = /^\+(.*)$/m.exec(diff)?.[1] ?? "";
  const below = gone ?? (come.startsWith("      ") ? "      - { name: price, type: int64 }" : "  default: {}");
  expect(yaml.split(`${below}\n`)).toHaveLength(2);
  return yaml.replace(`${below}\n`, gone === undefined ? `${below}\n${come}\n` : `${come}\n`);
}

test("the guide to changing definitions works, command by command, and prints what it says", async () => {
  const guide = await readFile(GUIDE, "utf8");
  const blocks = [...guide.matchAll(/^```(\w+)\n(.*?)^```/gms)].map(([, kind = "", text = ""]) => ({ kind, text }));
  expect(blocks.map(({ kind }) => kind).join(" ")).toBe(
    "yaml sh sh diff sh text sh diff sh text sh diff sh text sh diff sh",
  );
  let yaml = blocks[0]?.text ?? "";
  await using project = await createProject(yaml);
  for (const tenant of ["default", "acme"]) await project.parquet(`data/plans/${tenant}/a.parquet`, PLANS);
  let said = "";
  for (const { kind, text } of blocks.slice(1)) {
    if (kind === "diff") {
      yaml = edited(yaml, text);
      await project.write("feature_store.yaml", yaml);
    } else if (kind === "text") {
      expect(said).toContain(text);
    } else {
      for (const line of text.trim().split("\n")) {
        const terminal = plainTerminal(undefined, project.folder);
        expect([line, await runCli(line.split(" ").slice(1), terminal), terminal.talked]).toEqual([line, 0, ""]);
        said = terminal.said;
        if (line.startsWith("larder get")) expect([line, said]).toEqual([line, expect.stringContaining(" PRESENT ")]);
      }
    }
  }
});
