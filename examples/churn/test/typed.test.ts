import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generateTypes, loadDefinitions } from "@larder/schema";
import { runProcess, temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { blocks } from "./document-blocks.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const EXAMPLE = join(import.meta.dirname, "..");
const GENERATED = join(EXAMPLE, "larder.gen.ts");
const GENERATED_CLIENT = join(EXAMPLE, "larder.client.gen.ts");

test("larder.gen.ts and larder.client.gen.ts are what `larder codegen -f examples/churn/feature_store.yaml`, alone and with --client, writes", async () => {
  const definitions = await loadDefinitions(join(EXAMPLE, "feature_store.yaml"));
  expect(await readFile(GENERATED, "utf8")).toBe(generateTypes(definitions));
  expect(await readFile(GENERATED_CLIENT, "utf8")).toBe(generateTypes(definitions, "client"));
});

test("the TypeScript of README.md, docs/typed.md and docs/client.md compiles against the generated files, under the strict settings", async () => {
  await using folder = await temporaryFolder();
  const programs: string[] = [];
  for (const name of ["README.md", "docs/typed.md", "docs/client.md"]) {
    const found = blocks(await readFile(join(ROOT, name), "utf8"), "ts");
    expect(found.length, name).toBeGreaterThan(0);
    programs.push(...found);
  }
  for (const [at, program] of programs.entries()) {
    expect(program).toMatch(/from ".\/larder(\.client)?\.gen\.ts"/);
    await writeFile(join(folder.path, `program${at}.ts`), program);
  }
  // The compiler must have read the types: a feature that is not there is an error.
  const wrong = `import type { FeatureName } from "./larder.gen.ts";
// @ts-expect-error
export const name: FeatureName = "billing:contract";
`;
  await copyFile(GENERATED, join(folder.path, "larder.gen.ts"));
  await copyFile(GENERATED_CLIENT, join(folder.path, "larder.client.gen.ts"));
  await writeFile(join(folder.path, "wrong.ts"), wrong);
  const tsconfig = {
    extends: join(ROOT, "tsconfig.base.json"),
    compilerOptions: {
      composite: false,
      declaration: false,
      declarationMap: false,
      noEmit: true,
      // A document shows what can be had, and does not use all of it.
      noUnusedLocals: false,
      paths: {
        larder: [join(ROOT, "packages/larder/src/index.ts")],
        "@larder/client": [join(ROOT, "packages/client/src/index.ts")],
      },
      typeRoots: [join(EXAMPLE, "node_modules/@types")],
    },
    include: ["*.ts"],
  };
  await writeFile(join(folder.path, "tsconfig.json"), JSON.stringify(tsconfig));
  await writeFile(join(folder.path, "package.json"), '{ "type": "module" }');
  const { stdout } = await runProcess(join(ROOT, "node_modules/.bin/tsc"), ["-p", ".", "--pretty", "false"], {
    cwd: folder.path,
    ms: 100_000,
  });
  expect(stdout).toBe("");
});
