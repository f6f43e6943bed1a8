import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { loadDefinitions } from "@larder/schema";
import { type TemporaryFolder, temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";

async function folderWith(files: Readonly<Record<string, string | Uint8Array>>): Promise<TemporaryFolder> {
  const folder = await temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder.path, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
  return folder;
}

const CUSTOMER = "entities:\n  - { name: customer, join_keys: [{ name: id, type: int64 }] }\n";
const view = (name: string) =>
  `feature_views:\n  - { name: ${name}, entity: customer, features: [{ name: f, type: int64 }] }\n`;

test("included files bring their definitions, each with the place where it stands", async () => {
  await using folder = await folderWith({
    "feature_store.yaml": `project: p\ninclude: [views/*.yaml, tenants.yaml]\n${CUSTOMER}${view("main")}tenants: { default: {} }\n`,
    "views/b.yaml": view("b"),
    "views/a.yaml": `# first\n${view("a")}`,
    "views/ignored.yml": "not: read",
    "tenants.yaml": "tenants:\n  acme: {}\n",
  });
  const file = join(folder.path, "feature_store.yaml");
  const definitions = await loadDefinitions(file);
  expect([...definitions.views.keys()]).toEqual(["main", "a", "b"]);
  expect(definitions.views.get("a")?.place).toBe(`${join(folder.path, "views/a.yaml")}:3:5`);
  expect([...definitions.tenants.keys()]).toEqual(["default", "acme"]);
});

test("problems name the included file and the path in it, together with those of the main file", async () => {
  await using folder = await folderWith({
    "feature_store.yaml": `project: p\nfoo: 1\ninclude: more.yaml\n${CUSTOMER}${view("main")}`,
    "more.yaml": `project: q\nbar: 1\nfeature_views:\n  - { name: main, entity: custmer, features: [{ name: f, type: int65 }] }\n`,
  });
  const main = join(folder.path, "feature_store.yaml");
  const more = join(folder.path, "more.yaml");
  await expect(loadDefinitions(main)).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    problems: [
      { place: `${main}:2:1`, field: "foo" },
      { place: `${more}:1:1`, field: "project", what: "is not read in an included file" },
      { place: `${more}:2:1`, field: "bar", what: 'is not a key here ("bar")' },
      { place: `${more}:4:13`, field: "feature_views[0].name", what: `is "main", a name taken at ${main}:7:13` },
      { place: `${more}:4:27`, field: "feature_views[0].entity", remedy: 'Write "customer" instead' },
      { place: `${more}:4:64`, field: "feature_views[0].features[0].type", remedy: 'Write "int64" instead' },
    ],
  });
});

test("the main file may match its own pattern; a file is read once", async () => {
  await using folder = await folderWith({
    "feature_store.yaml": `project: p\ninclude: ["*.yaml", "v.yaml", "\${WHERE}.yaml"]\n${CUSTOMER}`,
    "v.yaml": view("v"),
  });
  const definitions = await loadDefinitions(join(folder.path, "feature_store.yaml"), { env: { WHERE: "v" } });
  expect([...definitions.views.keys()]).toEqual(["v"]);
});

test.each([
  ["nothing that exists", "include: nowhere.yaml", /include: names .*nowhere\.yaml, which cannot be read \(ENOENT\)/],
  ["a pattern without files", "include: v/*.yaml", /include: names no file: Correct the path/],
  ["a folder", "include: sub", /include: names .*sub, which cannot be read \(EISDIR\)/],
  ["a file without end", "include: /dev/zero", /dev.zero:1:1: file: is larger than 1048576 bytes/],
  ["a number", "include: 1", /include: is 1, which is not text/],
  ["a file that is no map", "include: list.yaml", /list\.yaml:1:1: file: is not a map/],
  [
    "a file that is not UTF-8",
    "include: latin.yaml",
    /latin\.yaml:2:4: file: is not UTF-8 text: Save the file as UTF-8/,
  ],
  ["a file that includes", "include: nested.yaml", /nested\.yaml:1:1: include: is not read in an included file/],
  ["a broken file", "include: broken.yaml", /broken\.yaml:2:1: yaml: cannot be read as YAML/],
])("refused: include of %s", async (_name, line, message) => {
  await using folder = await folderWith({
    "feature_store.yaml": `project: p\n${line}\n`,
    "sub/x.txt": "",
    "list.yaml": "- a\n",
    "latin.yaml": new Uint8Array([...Buffer.from("a: b\nc: "), 0xe9, 0x0a]),
    "nested.yaml": "include: other.yaml\n",
    "broken.yaml": "a: [\n",
  });
  await expect(loadDefinitions(join(folder.path, "feature_store.yaml"))).rejects.toThrow(message);
});

test("what a file that cannot be read may define is not missed elsewhere", async () => {
  await using folder = await folderWith({
    "feature_store.yaml": `project: p\ninclude: more.yaml\nfoo: 1\n${view("main")}`,
    "more.yaml": "entities: [\n",
  });
  const file = join(folder.path, "feature_store.yaml");
  await expect(loadDefinitions(file)).rejects.toMatchObject({ problems: [{ field: "foo" }, { field: "yaml" }] });
});

test("more files than the limit are refused, not read", async () => {
  const many = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`v/${i}.yaml`, view(`v${i}`)]));
  await using folder = await folderWith({ "feature_store.yaml": `project: p\ninclude: v/*\n`, ...many });
  const file = join(folder.path, "feature_store.yaml");
  await expect(loadDefinitions(file)).rejects.toThrow("include: names too many files");
});

test("a missing file is unreadable, a folder too; the message says which and what to do", async () => {
  await using folder = await folderWith({ "sub/x": "" });
  const missing = join(folder.path, "feature_store.yaml");
  await expect(loadDefinitions(missing)).rejects.toMatchObject({
    code: "CONFIG_UNREADABLE",
    message: `There is no file ${missing}. Go to the folder that has it, or name it with -f; \`larder init demo\` writes one to begin with.`,
  });
  await expect(loadDefinitions(join(folder.path, "sub"))).rejects.toMatchObject({ code: "CONFIG_UNREADABLE" });
});

test("a byte order mark and Windows line ends change nothing", async () => {
  const text = `\ufeffproject: p\r\n${CUSTOMER.replaceAll("\n", "\r\n")}`;
  await using folder = await folderWith({ "feature_store.yaml": text });
  const definitions = await loadDefinitions(join(folder.path, "feature_store.yaml"));
  expect(definitions.entities.get("customer")?.joinKeys).toEqual([{ name: "id", type: "int64" }]);
});
