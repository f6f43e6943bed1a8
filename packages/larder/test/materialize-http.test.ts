import { startProcess } from "@larder/testkit";
import { expect, test } from "vitest";
import { IN_MEMORY, YAML } from "./definitions.ts";
import { MANY_ROWS, materializeOverHttp } from "./materialize-http.ts";
import { createProject, LARDER } from "./project.ts";

test.each([
  ["memory", IN_MEMORY],
  ["sqlite", YAML],
])("on %s a server materializes while it serves, refuses a second run, and finds late rows", async (_, yaml) => {
  await using project = await createProject(yaml);
  await materializeOverHttp(project);
});

test("a server that is told to stop while it materializes cancels the run and exits 0", async () => {
  await using project = await createProject(IN_MEMORY);
  await project.parquet("data/plans/b.parquet", MANY_ROWS);
  await using child = await startProcess(process.execPath, [...LARDER, "serve", "--port", "0", "--json"], {
    cwd: project.folder,
    env: { INIT_CWD: undefined, NO_COLOR: undefined },
  });
  const { url } = JSON.parse(await child.waitForLine(/^\{"url"/)) as { url: string };
  const accepted = await fetch(`${url}/materialize?async=true`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ disable_event_timestamp: true }),
  });
  expect(accepted.status).toBe(202);
  child.signal("SIGTERM");
  expect(await child.waitForExit()).toEqual({ code: 0, signal: null });
  expect(child.stderr).toContain("ABORTED");
});
