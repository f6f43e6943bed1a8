import { request } from "node:http";
import { startProcess } from "@larder/testkit";
import { expect, test } from "vitest";
import { YAML } from "../definitions.ts";
import { createProject, LARDER, type Project } from "../project.ts";

async function serve(project: Project, ...args: readonly string[]) {
  const child = await startProcess(process.execPath, [...LARDER, "serve", "--port", "0", ...args], {
    cwd: project.folder,
    env: { INIT_CWD: undefined, NO_COLOR: undefined },
  });
  return child;
}

test.concurrent("serve says its address once, answers there, and SIGTERM lets the request under way finish before it exits 0", async () => {
  await using project = await createProject();
  await using child = await serve(project, "--json");
  const { url } = JSON.parse(await child.waitForLine(/^\{"url"/)) as { url: string };
  const row = { customer_id: [1], price: [5], plan: ["a"], invoices: [[]], event_timestamp: ["2024-01-01"] };
  const body = JSON.stringify({ push_source_name: "plans", df: row });

  // Half of the body is there when the signal comes, the rest after it.
  const answer = Promise.withResolvers<{ readonly status: number | undefined; readonly text: string }>();
  const push = request(`${url}/push`, {
    method: "POST",
    headers: { "content-type": "application/json", "content-length": body.length },
  });
  push.on("error", answer.reject).on("response", (response) => {
    let text = "";
    response.setEncoding("utf8").on("data", (more) => (text += more));
    response.on("end", () => answer.resolve({ status: response.statusCode, text }));
  });
  push.flushHeaders();
  await new Promise<void>((resolve) => void push.write(body.slice(0, 20), () => resolve()));
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  child.signal("SIGTERM");
  await child.waitForLine(/"stopping"/);
  push.end(body.slice(20));
  expect(await answer.promise).toMatchObject({ status: 200 });
  expect(await child.waitForExit()).toEqual({ code: 0, signal: null });
  expect(child.stdout).toBe(`${JSON.stringify({ url })}\n`);
  for (const line of child.stderr.trim().split("\n")) expect(JSON.parse(line)).toHaveProperty("msg");

  const got = await project.json("get", "--features", "plans:price", "--entity", "customer_id=1");
  expect(got.value).toMatchObject({ features: [{ value: 5 }] });
});

test.concurrent("serve listens off loopback when the yaml says auth: none, for its own tenant, and Ctrl-C ends it", async () => {
  await using project = await createProject(`${YAML}server: { auth: none }\n`);
  await using child = await serve(project, "--host", "0.0.0.0", "--tenant", "acme");
  const line = await child.waitForLine(/^Larder serves at http:\/\/.*:\d+$/);
  const port = line.slice(line.lastIndexOf(":") + 1);
  expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);

  // A request that names no tenant is for the server's.
  const row = { customer_id: [1], price: [7], plan: ["a"], invoices: [[]], event_timestamp: ["2024-01-01"] };
  const pushed = await fetch(`http://127.0.0.1:${port}/push`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ push_source_name: "plans", df: row }),
  });
  expect(pushed.status).toBe(200);
  const get = ["get", "--features", "plans:price", "--entity", "customer_id=1"];
  expect((await project.json(...get, "--tenant", "acme")).value).toMatchObject({ features: [{ value: 7 }] });
  expect((await project.json(...get)).value).toMatchObject({ features: [{ status: "NOT_FOUND" }] });
  child.signal("SIGINT");
  expect(await child.waitForExit()).toEqual({ code: 0, signal: null });
});
