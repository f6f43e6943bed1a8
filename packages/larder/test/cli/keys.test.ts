import { once } from "node:events";
import { createServer } from "node:http";
import { startProcess } from "@larder/testkit";
import { expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { YAML } from "../definitions.ts";
import { createProject, LARDER } from "../project.ts";
import { plainTerminal } from "./plain-terminal.ts";

const AUTH = `${YAML}server: { auth: { keys: keys.jsonl } }\n`;

/** Runs a verb in this process, with --json. */
async function json(folder: string, ...args: readonly string[]) {
  const terminal = plainTerminal(undefined, folder);
  const code = await runCli([...args, "--json"], terminal);
  return { code, value: JSON.parse(terminal.said) };
}

test("keys are made, listed and revoked; wrong wishes change nothing", async () => {
  await using project = await createProject(AUTH);
  expect(await json(project.folder, "keys", "list")).toEqual({ code: 0, value: { keys: [] } });
  const create = ["keys", "create", "--tenant", "default", "--tenant", "acme", "--scopes", "read,write"];
  const made = await json(project.folder, ...create, "--expires", "90d");
  expect(made).toEqual({ code: 0, value: { id: expect.any(String), key: expect.stringMatching(/^larder_/) } });
  const { id } = made.value;
  const listed = await json(project.folder, "keys", "list", "--tenant", "acme");
  expect(listed.value).toMatchObject({
    keys: [{ id, tenants: ["default", "acme"], scopes: ["read", "write"], expired: false }],
  });
  for (const [wish, code] of [
    [["--tenant", "default", "--scopes", "root"], "USAGE"],
    [["--tenant", "nobody", "--scopes", "read"], "UNKNOWN_TENANT"],
    [["--tenant", "default", "--scopes", "read", "--expires", "0s"], "USAGE"],
    [["--scopes", "read"], "USAGE"],
    [["--tenant", "default"], "USAGE"],
  ] as const) {
    const refused = await json(project.folder, "keys", "create", ...wish);
    expect([wish, refused]).toEqual([wish, { code: 2, value: { error: expect.objectContaining({ code }) } }]);
  }
  expect((await json(project.folder, "keys", "revoke", id)).code).toBe(0);
  expect((await json(project.folder, "keys", "revoke", id)).code).toBe(2);
  expect((await json(project.folder, "keys", "list")).value).toEqual({ keys: [] });
});

test("without a file of keys in the yaml the verb says what to write", async () => {
  await using project = await createProject();
  const { code, value } = await json(project.folder, "keys", "list");
  expect([code, value]).toMatchObject([2, { error: { code: "USAGE" } }]);
});

test("nothing that a server prints or answers holds a credential, sent rightly or wrongly, nor an issuer's secret", async () => {
  const issuer = createServer((_request, response) => void response.writeHead(500).end());
  await once(issuer.listen(0, "127.0.0.1"), "listening");
  const address = issuer.address();
  const jwks = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/keys?token=issuers-secret`;
  const jwt = `{ jwks_url: "${jwks}", issuer: i, audience: a }`;
  await using project = await createProject(`${YAML}server: { auth: { keys: keys.jsonl, jwt: ${jwt} } }\n`);
  const { value } = await json(project.folder, "keys", "create", "--tenant", "default", "--scopes", "read");
  const { key } = value;
  await using child = await startProcess(process.execPath, [...LARDER, "serve", "--port", "0", "--json"], {
    cwd: project.folder,
    env: { INIT_CWD: undefined },
  });
  const { url } = JSON.parse(await child.waitForLine(/^\{"url"/)) as { readonly url: string };
  const token = "aGVhZGVy.cGF5bG9hZHNlY3JldA.c2lnbmF0dXJl";
  const wrong = `${key.slice(0, -4)}AAAA`;
  const answers: string[] = [];
  const statuses: number[] = [];
  for (const secret of [key, wrong, token]) {
    for (const [path, headers, body] of [
      ["/get-online-features", { authorization: `Bearer ${secret}` }, '{"features":["plans:price"],"entities":{}}'],
      ["/get-online-features", { authorization: secret }, "{}"],
      ["/push", { authorization: `Bearer ${secret}` }, "{"],
      ["/predict", { authorization: `Bearer ${secret}`, "x-larder-tenant": "acme" }, "{}"],
      ["/metrics", { authorization: `Bearer ${secret}` }, undefined],
      ["/openapi.json", { authorization: `Basic ${btoa(`user:${secret}`)}` }, undefined],
    ] as const) {
      const method = body === undefined ? "GET" : "POST";
      const init = { method, headers: { "content-type": "application/json", ...headers } };
      const response = await fetch(`${url}${path}`, body === undefined ? init : { ...init, body });
      statuses.push(response.status);
      answers.push(JSON.stringify([...response.headers]), await response.text());
    }
  }
  expect(new Set(statuses)).toEqual(new Set([422, 401, 403, 503]));
  child.signal("SIGTERM");
  await child.waitForExit();
  issuer.close();
  // The outage of the issuer is in the log, so what is searched is not empty.
  expect(child.stderr).toContain("AUTH_UNAVAILABLE");
  const printed = [child.stdout, child.stderr, ...answers].join("\n");
  for (const secret of [
    key.slice(-43),
    wrong.slice(-43),
    "cGF5bG9hZHNlY3JldA",
    "issuers-secret",
    btoa("user:").slice(0, 6),
  ]) {
    expect(printed).not.toContain(secret);
  }
});
