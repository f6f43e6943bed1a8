import { type ChildHandle, startProcess } from "@larder/testkit";
import { expect, test } from "vitest";
import { IN_MEMORY, YAML } from "../definitions.ts";
import { startLoad } from "../keep-alive-load.ts";
import { createProject, LARDER, type Project } from "../project.ts";

const ENV = { INIT_CWD: undefined, NO_COLOR: undefined };

async function serve(project: Project, ...args: readonly string[]) {
  const child = await startProcess(
    process.execPath,
    [...LARDER, "serve", "--port", "0", "--workers", "2", "--json", ...args],
    { cwd: project.folder, env: ENV },
  );
  const { url } = JSON.parse(await child.waitForLine(/^\{"url"/, 60_000)) as { url: string };
  return { child, url };
}

/** The process numbers of the workers that were started so far. */
function workersOf(child: ChildHandle): number[] {
  return child.stderr
    .split("\n")
    .filter((line) => line.includes('"worker started"'))
    .map((line) => (JSON.parse(line) as { pid: number }).pid);
}

/** A counter's value, summed over its labels. */
async function counted(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`, { headers: { connection: "close" } })).text();
  const lines = text.split("\n").filter((line) => line.startsWith(name) && !line.startsWith("#"));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

const REQUESTS = 'larder_request_duration_seconds_count{route="/get-online-features"';

test.concurrent("workers share a port and their metrics; SIGHUP replaces them under load without a failure, and nothing that was counted is lost", async () => {
  await using project = await createProject(YAML);
  const { child, url } = await serve(project);
  await using _child = child;
  const load = startLoad(url, 6);
  await load.answered(200);
  child.signal("SIGHUP");
  await child.waitForLine(/"workers replaced"/, 60_000);
  await load.answered(200);
  load.stop();
  const { answered, failures, closed } = await load.done;
  expect(failures).toEqual([]);
  expect(closed).toBeGreaterThan(0);
  expect(new Set(workersOf(child)).size).toBe(4);
  expect(await counted(url, REQUESTS)).toBe(answered);
  expect(await counted(url, "larder_workers ")).toBe(2);
  expect(await counted(url, "larder_worker_crashes_total")).toBe(0);

  const last = startLoad(url, 6, { leave: true });
  await last.answered(50);
  child.signal("SIGTERM");
  expect((await last.done).failures).toEqual([]);
  expect(await child.waitForExit()).toEqual({ code: 0, signal: null });
  expect(child.stdout.trim().split("\n")).toHaveLength(1);
});

test.concurrent("a worker that crashes is replaced, what was read of its counts stays, and a crash loop ends the command with its cause", async () => {
  await using project = await createProject(YAML);
  const { child, url } = await serve(project);
  await using _child = child;
  const load = startLoad(url, 4);
  await load.answered(100);
  load.stop();
  const { answered } = await load.done;
  expect(await counted(url, REQUESTS)).toBe(answered);
  const [first = 0, second = 0] = workersOf(child);
  process.kill(first, "SIGKILL");
  await child.waitForLine(/"worker":3,.*"worker started"/);
  expect(await counted(url, "larder_worker_crashes_total")).toBe(1);
  expect(await counted(url, REQUESTS)).toBe(answered);

  // Definitions that do not load: a restart changes nothing, and a crash is never made good.
  await project.write("feature_store.yaml", `${YAML}nonsense: true\n`);
  child.signal("SIGHUP");
  await child.waitForLine(/The workers that run stay/);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  process.kill(second, "SIGKILL");
  expect(await child.waitForExit(60_000)).toEqual({ code: 1, signal: null });
  const { error } = JSON.parse(child.stdout.trim().split("\n").at(-1) ?? "") as { error: Record<string, unknown> };
  expect(error["code"]).toBe("WORKER_CRASHED");
  expect(JSON.stringify(error["problems"])).toContain("nonsense");
});

test.concurrent("what keeps workers from starting is told once, as by a single process; a supervisor that is killed takes its workers along", async () => {
  await using project = await createProject(IN_MEMORY);
  const refused = await project.json("serve", "--workers", "1", "--port", "0");
  expect(refused).toMatchObject({ code: 2, value: { error: { code: "UNSUPPORTED" } } });
  const usage = await project.json("serve", "--workers", "two");
  expect(usage).toMatchObject({ code: 2, value: { error: { code: "USAGE" } } });

  await project.write("feature_store.yaml", YAML);
  const { child } = await serve(project);
  await using _child = child;
  child.signal("SIGKILL");
  // Workers hold the same pipes, whose end is waited for.
  expect(await child.waitForExit()).toEqual({ code: null, signal: "SIGKILL" });
});
