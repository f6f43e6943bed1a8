import { startProcess } from "@larder/testkit";
import { expect, test } from "vitest";
import { YAML } from "../definitions.ts";
import { startLoad } from "../keep-alive-load.ts";
import { createProject, LARDER } from "../project.ts";

const ENV = { INIT_CWD: undefined, NO_COLOR: undefined };

async function serve(folder: string) {
  const child = await startProcess(process.execPath, [...LARDER, "serve", "--port", "0", "--json"], {
    cwd: folder,
    env: ENV,
  });
  const { url } = JSON.parse(await child.waitForLine(/^\{"url"/)) as { url: string };
  return { child, url };
}

test.concurrent.each(["0s", "500ms"])(
  "SIGTERM under load fails no request, with a drain delay of %s",
  async (delay) => {
    await using project = await createProject(`${YAML}server: { drain_delay: ${delay} }\n`);
    const { child, url } = await serve(project.folder);
    await using _child = child;
    const load = startLoad(url, 8, { leave: true });
    await load.answered(50);
    child.signal("SIGTERM");
    const { failures, closed } = await load.done;
    expect(failures).toEqual([]);
    // Every client was told, once, on its own connection.
    expect(closed).toBe(8);
    expect(await child.waitForExit()).toEqual({ code: 0, signal: null });
  },
);

test.concurrent("in the drain delay the server is not ready and answers new connections, too; a second signal ends it at once", async () => {
  await using project = await createProject(`${YAML}server: { drain_delay: 10m }\n`);
  const { child, url } = await serve(project.folder);
  await using _child = child;
  child.signal("SIGTERM");
  await child.waitForLine(/"stopping"/);
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, ready.headers.get("connection")]).toEqual([503, "close"]);
  expect(await ready.json()).toMatchObject({ checks: { server: "stopping" } });
  const load = startLoad(url, 2);
  await load.answered(4);
  load.stop();
  const { failures, closed, answered } = await load.done;
  expect(failures).toEqual([]);
  expect(closed).toBe(answered);
  // A signal within half a second is an echo of the first: this loop's are sent until one is not.
  const again = setInterval(() => child.signal("SIGTERM"), 100);
  expect(await child.waitForExit()).toEqual({ code: 1, signal: null });
  clearInterval(again);
});
