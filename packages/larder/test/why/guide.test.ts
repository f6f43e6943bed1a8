import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { VERDICTS } from "../../src/why/verdict.ts";
import { plainTerminal } from "../cli/plain-terminal.ts";
import { PLANS } from "../definitions.ts";
import { createProject } from "../project.ts";

const GUIDE = await readFile(join(import.meta.dirname, "../../../../docs/why.md"), "utf8");

/** What the guide prints, with `…` for what differs from run to run. */
function printed(text: string): RegExp {
  const parts = text.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".+")}`, "m");
}

test("the guide works, command by command, and prints what it says", async () => {
  const blocks = [...GUIDE.matchAll(/^```(\w+)\n(.*?)^```/gms)].map(([, kind = "", text = ""]) => ({ kind, text }));
  expect(blocks.map(({ kind }) => kind).join(" ")).toBe("yaml sh text sh text sh text sh text sh text sh");
  await using project = await createProject(blocks[0]?.text);
  await project.parquet("data/plans/a.parquet", PLANS);
  await project.parquet(
    "data/usage/a.parquet",
    "SELECT 1::BIGINT AS customer_id, TIMESTAMP '2024-03-01' AS event_timestamp, 5::BIGINT AS minutes",
  );
  let said = "";
  for (const { kind, text } of blocks.slice(1)) {
    if (kind === "text") {
      expect(said).toMatch(printed(text));
      continue;
    }
    for (const line of text.trim().split("\n")) {
      const terminal = plainTerminal(undefined, project.folder);
      expect([line, await runCli(line.split(" ").slice(1), terminal), terminal.talked]).toEqual([line, 0, ""]);
      said = terminal.said;
    }
  }
  expect(JSON.parse(said)).toMatchObject({ verdict: "never_written", status: "NOT_FOUND" });
});

test("the guide has every verdict, in their order", () => {
  expect([...GUIDE.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1])).toEqual([...VERDICTS]);
});
