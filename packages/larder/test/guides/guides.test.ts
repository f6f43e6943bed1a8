import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { followGuide, runProcess, temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { plainTerminal } from "../cli/plain-terminal.ts";

const DOCS = join(import.meta.dirname, "../../../../docs");

/** Guides that a reader follows from an empty folder, as followGuide of testkit says. */
const GUIDES = [
  "concepts.md",
  "add-a-feature.md",
  "change-a-type.md",
  "add-a-tenant.md",
  "changing-definitions.md",
  "models.md",
  "point-in-time.md",
  "security.md",
  "training-sets.md",
];

/**
 * No guides for an empty folder: references, pages whose commands need more (a checkout, the churn example, Redis, Kafka, Feast), serving.md, which
 * serving.test.ts beside this follows, served-log.md, for which served-log.test.ts starts a server, and why.md, which ../why/guide.test.ts follows.
 */
const OTHERS = [
  "backfill.md",
  "cli.md",
  "client.md",
  "dead-letters.md",
  "feast.md",
  "feature_store.md",
  "get-started.md",
  "operations.md",
  "python.md",
  "quickstart.md",
  "redis.md",
  "served-log.md",
  "s3.md",
  "serving.md",
  "spark.md",
  "streams.md",
  "sync.md",
  "typed.md",
  "why.md",
];

/** `larder …` in this process, anything else in a shell; what it needs is installed here. */
async function run(line: string, folder: string) {
  if (line === "npm install") return { code: 0, output: "" };
  const command = line.replace(/^npx larder /, "larder ");
  if (!command.startsWith("larder ")) {
    const { code, stdout, stderr } = await runProcess("bash", ["-c", command], { cwd: folder });
    return { code, output: stdout + stderr };
  }
  const terminal = plainTerminal(undefined, folder);
  const code = await runCli(command.split(" ").slice(1), terminal);
  return { code, output: terminal.said + terminal.talked };
}

test.concurrent.each(GUIDES)("%s works, command by command, and prints what it says", async (name) => {
  const page = await readFile(join(DOCS, name), "utf8");
  await using folder = await temporaryFolder();
  expect(await followGuide(page, { folder: folder.path, run })).toBeGreaterThan(3);
});

test("the README that init writes works, command by command, and so do the commands that init prints", async () => {
  await using folder = await temporaryFolder();
  const { output } = await run("larder init demo", folder.path);
  const demo = join(folder.path, "demo");
  expect(await followGuide(await readFile(join(demo, "README.md"), "utf8"), { folder: demo, run })).toBeGreaterThan(5);

  const printed = [...output.matchAll(/^ {2}(.+)$/gm)].map(([, line = ""]) => line);
  expect(printed.slice(0, 3)).toEqual(["cd demo", "npm install", "npx larder validate"]);
  const page = `\`\`\`sh\n${printed.join("\n")}\n\`\`\`\n`;
  expect(await followGuide(page, { folder: folder.path, run })).toBe(printed.length - 1);
});

test("every page is in the index, and is a guide that is followed here or known to be none", async () => {
  const index = await readFile(join(DOCS, "README.md"), "utf8");
  const pages = (await readdir(DOCS)).filter((name) => name.endsWith(".md") && name !== "README.md");
  expect(pages.filter((name) => !index.includes(`](${name})`))).toEqual([]);
  expect(pages.sort()).toEqual([...GUIDES, ...OTHERS].sort());
});
