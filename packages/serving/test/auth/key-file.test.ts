import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "@larder/schema";
import { temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { createApiKey, listApiKeys, revokeApiKey } from "../../src/index.ts";

const WISH = { tenants: ["default"], scopes: ["read"], expiresIn: undefined } as const;

test("a key's file is its owner's alone and holds no key", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "new", "keys.jsonl");
  const { id, key } = await createApiKey(file, { ...WISH, expiresIn: 60_000_000 }, systemClock);
  expect(key).toMatch(/^larder_[0-9a-f]{16}_[\w-]{43}$/);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const text = await readFile(file, "utf8");
  expect(text).not.toContain(key.slice(-43));
  expect(JSON.parse(text)).toMatchObject({ id, tenants: ["default"], scopes: ["read"] });
  const [listed] = await listApiKeys(file);
  expect(listed).toMatchObject({ id, expires: expect.stringMatching(/Z$/) });
  expect(JSON.stringify(listed)).not.toContain("hash");
});

test("of writers at once none loses another's key, and revoking takes out one", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "keys.jsonl");
  const made = await Promise.all(Array.from({ length: 12 }, () => createApiKey(file, WISH, systemClock)));
  const ids = async () => (await listApiKeys(file)).map(({ id }) => id).sort();
  expect(await ids()).toEqual(made.map(({ id }) => id).sort());
  const [gone, ...left] = made;
  await revokeApiKey(file, gone?.id ?? "");
  expect(await ids()).toEqual(left.map(({ id }) => id).sort());
  await expect(revokeApiKey(file, gone?.id ?? "")).rejects.toMatchObject({ code: "USAGE" });
  expect(await ids()).toHaveLength(11);
});

const LINE = {
  id: "0123456789abcdef",
  hash: "a".repeat(64),
  tenants: ["default"],
  scopes: ["read"],
  created: "2024-01-01T00:00:00Z",
};

test.each([
  ["no JSON", "nonsense"],
  ["an unknown scope", JSON.stringify({ ...LINE, scopes: ["root"] })],
  ["no tenant", JSON.stringify({ ...LINE, tenants: [] })],
  ["a plain key for a hash", JSON.stringify({ ...LINE, hash: "secret" })],
  ["no time", JSON.stringify({ ...LINE, expires: "tomorrow" })],
  ["a further member", JSON.stringify({ ...LINE, admin: true })],
  ["an id twice", `${JSON.stringify(LINE)}\n${JSON.stringify(LINE)}`],
])("a file with %s is refused by its line, which is not shown, and stays as it is", async (_name, text) => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "keys.jsonl");
  await writeFile(file, `\n${text}\n`);
  const refused = createApiKey(file, WISH, systemClock);
  await expect(refused).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    what: expect.stringMatching(/^Line [23] of /),
  });
  await expect(refused).rejects.not.toThrow(/nonsense|secret|aaaa/);
  expect(await readFile(file, "utf8")).toBe(`\n${text}\n`);
  await expect(stat(`${file}.new`)).rejects.toMatchObject({ code: "ENOENT" });
});
