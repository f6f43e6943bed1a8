import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ChildHandle, followGuide, freePort, runProcess, startProcess, temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { plainTerminal } from "../cli/plain-terminal.ts";
import { LARDER } from "../project.ts";

const PAGE = join(import.meta.dirname, "../../../../docs/served-log.md");

test("docs/served-log.md works, command by command, with a real server, and prints what it says", async () => {
  const page = (await readFile(PAGE, "utf8")).replaceAll("6566", String(await freePort()));
  await using folder = await temporaryFolder();
  await using servers = new AsyncDisposableStack();
  let server: ChildHandle | undefined;
  const run = async (line: string, at: string) => {
    if (line === "kill %1") {
      server?.signal("SIGTERM");
      expect(await server?.waitForExit()).toEqual({ code: 0, signal: null });
      return { code: 0, output: "" };
    }
    const [command = "", ...args] = line.split(" ");
    if (args.at(-1) === "&") {
      const env = { INIT_CWD: undefined, NO_COLOR: undefined };
      server = servers.use(
        await startProcess(process.execPath, [...LARDER, ...args.slice(0, -1), "--json"], { cwd: at, env }),
      );
      await server.waitForLine(/^\{"url"/, 60_000);
      return { code: 0, output: "" };
    }
    if (command !== "larder") {
      const { code, stdout, stderr } = await runProcess("bash", ["-c", line], { cwd: at });
      if (command === "curl") expect(JSON.parse(stdout)).toHaveProperty("predictions");
      return { code, output: stdout + stderr };
    }
    const terminal = plainTerminal(undefined, at);
    const code = await runCli(args, terminal);
    return { code, output: terminal.said + terminal.talked };
  };
  expect(await followGuide(page, { folder: folder.path, run })).toBeGreaterThan(10);
});
