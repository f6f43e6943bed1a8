import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import type { Schema } from "@larder/contract/typed";
import { expect, test } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { generatedFeatureStore } from "../../src/index.ts";
import { IN_MEMORY } from "../definitions.ts";
import { createProject, type Project } from "../project.ts";
import { plainTerminal } from "./plain-terminal.ts";

async function run(project: Project, ...args: readonly string[]) {
  const terminal = plainTerminal(undefined, project.folder);
  const code = await runCli(["codegen", ...args, "--json"], terminal);
  return { code, value: JSON.parse(terminal.said) };
}

/** The hash that a generated file hands to `open`. */
async function shapesIn(file: string): Promise<string> {
  return /shapes: "([0-9a-f]{64})"/.exec(await readFile(file, "utf8"))?.[1] ?? "";
}

test("codegen writes beside the definitions once, leaves a fresh file alone, and --check agrees", async () => {
  await using project = await createProject(IN_MEMORY);
  const out = project.path("larder.gen.ts");
  expect(await run(project)).toEqual({ code: 0, value: { out, changed: true } });
  const before = await stat(out, { bigint: true });
  expect(await run(project)).toEqual({ code: 0, value: { out, changed: false } });
  expect((await stat(out, { bigint: true })).mtimeNs).toBe(before.mtimeNs);
  expect(await run(project, "--check")).toEqual({ code: 0, value: { out, changed: false } });

  // As git checks it out on Windows.
  await writeFile(out, (await readFile(out, "utf8")).replaceAll("\n", "\r\n"));
  expect((await run(project, "--check")).code).toBe(0);

  await mkdir(project.path("src"));
  expect((await run(project, "--out", "src/types.ts")).value).toEqual({
    out: project.path("src/types.ts"),
    changed: true,
  });
});

test("--check exits 1 for a missing, an edited and an outdated file, and writes nothing", async () => {
  await using project = await createProject(IN_MEMORY);
  const out = project.path("larder.gen.ts");
  const stale = {
    code: 1,
    value: { error: { code: "CODEGEN_STALE", remedy: expect.stringContaining("larder codegen") } },
  };
  expect(await run(project, "--check")).toMatchObject(stale);
  await expect(stat(out)).rejects.toMatchObject({ code: "ENOENT" });

  await run(project);
  const text = await readFile(out, "utf8");
  await writeFile(out, `${text}// mine\n`);
  expect(await run(project, "--check")).toMatchObject(stale);
  await writeFile(out, text);
  await project.write("feature_store.yaml", IN_MEMORY.replace("acme: {}", "acme: {}, other: {}"));
  expect(await run(project, "--check")).toMatchObject(stale);
  expect(await readFile(out, "utf8")).toBe(text);
});

test("what codegen did not write is not overwritten, and a place that cannot be written is named", async () => {
  await using project = await createProject(IN_MEMORY);
  await project.write("mine.ts", "export const mine = 1;\n");
  const unwritable = { code: 1, value: { error: { code: "OUTPUT_UNWRITABLE" } } };
  expect(await run(project, "--out", "mine.ts")).toMatchObject(unwritable);
  expect(await readFile(project.path("mine.ts"), "utf8")).toBe("export const mine = 1;\n");
  expect(await run(project, "--out", "no/such/folder.ts")).toMatchObject(unwritable);
  expect(await run(project, "--out", ".")).toMatchObject(unwritable);
  expect(await run(project, "--tenant", "nobody")).toMatchObject({
    code: 2,
    value: { error: { code: "UNKNOWN_TENANT" } },
  });
});

test("generated code opens the definitions it was made from, and no others", async () => {
  await using project = await createProject(IN_MEMORY);
  await run(project);
  const shapes = await shapesIn(project.path("larder.gen.ts"));
  const { open } = generatedFeatureStore<Schema>({ shapes });
  const file = project.path("feature_store.yaml");
  await (await open(file)).close();

  // What leaves every type true: a TTL, another store, one more tenant.
  await project.write(
    "feature_store.yaml",
    IN_MEMORY.replace("3650d", "30d").replace("acme: {}", "acme: {}, other: {}"),
  );
  await (await open(file, { tenant: "other" })).close();

  for (const [text, other] of [
    ["name: price, type: int64", "name: price, type: float64"],
    ["{ name: plan, type: string }", "{ name: plan, type: string }\n      - { name: more, type: bool }"],
    ['"plans:price", ', ""],
    ["project: shop", "project: shop2"],
  ] as const) {
    const yaml = IN_MEMORY.replace(text, other);
    expect(yaml).not.toBe(IN_MEMORY);
    await project.write("feature_store.yaml", yaml);
    const remedy = expect.stringContaining("larder codegen");
    await expect(open(file)).rejects.toMatchObject({
      code: "CODEGEN_STALE",
      remedy,
      facts: { file, generated: shapes },
    });
  }
});
