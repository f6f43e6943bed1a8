import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generateTypes, isLarderError, parseDefinitions } from "@larder/schema";
import { propertySettings, runProcess, temporaryFolder } from "@larder/testkit";
import { anyString } from "@larder/testkit/any-string";
import fc from "fast-check";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../../../..");

/** What breaks generators: reserved words, ends of texts and comments, look-alikes of numbers, unicode, long names. */
const hostile = fc.oneof(
  fc.constantFrom(
    ..."class,default,new,null,number,string,never,readonly,as,await,export,import,type,Schema,FeatureStore,Typed".split(
      ",",
    ),
    ..."0,1,-1,1e3,01,0x1,NaN,Infinity,$,_,a b,a-b,a.b,[a],{a},a;b,a?,a|b,a&b,`a`,'a',a',*/,/*,//,<T>,infer V,__".split(
      ",",
    ),
    '"',
    "\\",
    '"; throw 1; "',
    "\\u0022",
    "naïve",
    "Ünïcode",
    "日本語",
    "𝒳",
    "👩‍👩‍👧",
    "a\u2028b",
    "a\u202eb",
    "a\u00adb",
    "a".repeat(200),
  ),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }),
  anyString({ minLength: 1, maxLength: 12 }),
);

/** What the loader takes as the name of a definition; `${` would be a variable. */
const name = hostile.filter(
  (text) =>
    /^[^\s:\p{Cc}]([^:\p{Cc}]*[^\s:\p{Cc}])?$/u.test(text) &&
    text.isWellFormed() &&
    text.length <= 200 &&
    !text.includes("${") &&
    !(text in Object.prototype) &&
    text !== "prototype",
);

const SCALARS = ["int32", "int64", "float32", "float64", "bool", "string", "bytes", "unix_timestamp"];
const type = fc.constantFrom(...SCALARS, ...SCALARS.map((each) => `list<${each}>`));

const file = fc.record({
  key: name,
  views: fc.uniqueArray(
    fc.record({
      name,
      description: hostile,
      features: fc.uniqueArray(fc.record({ name, type, description: hostile }), {
        selector: (each) => each.name,
        minLength: 1,
        maxLength: 4,
      }),
      partial: fc.boolean(),
    }),
    { selector: (each) => each.name, minLength: 1, maxLength: 3 },
  ),
  service: name,
  tenants: fc.uniqueArray(
    hostile.filter(
      (text) =>
        text.isWellFormed() && Buffer.byteLength(text) <= 200 && !text.includes("${") && !(text in Object.prototype),
    ),
    { minLength: 1, maxLength: 3 },
  ),
  prediction: name,
});

type Case = typeof file extends fc.Arbitrary<infer T> ? T : never;

/** One case as a file; undefined where the loader refuses the combination, such as a feature called as a time column. */
function definitionsOf({ key, views, service, tenants, prediction }: Case) {
  const [first] = views;
  const text = JSON.stringify({
    project: "hostile",
    online_store: { type: "memory" },
    entities: [{ name: "e", join_keys: [{ name: key, type: "string" }] }],
    feature_views: views.map(({ partial, description, features, ...view }) => ({
      ...view,
      entity: "e",
      description: description.replaceAll("${", ""),
      features: features.map((each) => ({ ...each, description: each.description.replaceAll("${", "") })),
      ...(partial ? { partial_rows: "absent" } : {}),
    })),
    feature_services: [{ name: service, features: [{ view: first?.name, name_alias: "alias" }] }],
    models: [
      { name: service, path: "m.onnx", feature_service: service, prediction: { name: prediction, output: "p" } },
    ],
    tenants: Object.fromEntries(tenants.map((tenant) => [tenant, {}])),
  });
  try {
    return parseDefinitions(text);
  } catch (error) {
    if (isLarderError(error, "CONFIG_INVALID")) return undefined;
    throw error;
  }
}

test("whatever things are called, the generated file compiles under the strict settings and has their very names", async () => {
  const settings = propertySettings(25);
  const all = fc.sample(file, settings).flatMap((each) => definitionsOf(each) ?? []);
  // Else the names would be too hostile for the loader, and nothing would be proved.
  expect(all.length).toBeGreaterThan(settings.numRuns / 2);
  await using folder = await temporaryFolder();
  const uses: string[] = [];
  for (const [at, definitions] of all.entries()) {
    await writeFile(join(folder.path, `gen${at}.ts`), generateTypes(definitions));
    const features = [...definitions.views.values()].flatMap((view) =>
      view.features.map((feature) => `${view.name}:${feature.name}`),
    );
    const exact = (kind: string, names: Iterable<string>) =>
      `export const ${kind}${at}: { [N in gen${at}.${kind}]: 1 } = { ${[...names].map((each) => `[${JSON.stringify(each)}]: 1`).join(", ")} };`;
    const [view] = definitions.views.values();
    const [service] = definitions.services.values();
    const key = JSON.stringify(view?.joinKeys[0]?.name);
    uses.push(
      `import * as gen${at} from "./gen${at}.ts";`,
      exact("FeatureName", features),
      exact("ViewName", definitions.views.keys()),
      exact("ServiceName", definitions.services.keys()),
      exact("ModelName", definitions.models.keys()),
      exact("TenantName", definitions.tenants.keys()),
      `declare const store${at}: gen${at}.FeatureStore;`,
      `const list${at} = await store${at}.getOnlineFeatures({ features: [${JSON.stringify(features[0])}], entityRows: [{ [${key}]: "k" }] });`,
      `export const key${at}: string | undefined = list${at}.toRows()[0]?.[${key}];`,
      `export const status${at} = list${at}.statuses[${JSON.stringify(view?.features[0]?.name)}][0];`,
      `const full${at} = await store${at}.getOnlineFeatures({ featureService: ${JSON.stringify(service?.name)}, fullFeatureNames: true, entityRows: [{ [${key}]: "k" }] });`,
      `export const statusFull${at} = full${at}.statuses[${JSON.stringify(`alias__${view?.features[0]?.name}`)}][0];`,
    );
  }
  // A compiler that looked at nothing would not find the error it is told to expect.
  uses.push("// @ts-expect-error", 'export const wrong: gen0.ViewName = "no such: view";');
  await writeFile(join(folder.path, "uses.ts"), uses.join("\n"));
  expect(await compile(folder.path)).toBe("");
});

/** What the compiler says of a folder of generated files. */
async function compile(folder: string): Promise<string> {
  const tsconfig = {
    extends: join(ROOT, "tsconfig.base.json"),
    compilerOptions: {
      composite: false,
      noEmit: true,
      declaration: true,
      declarationMap: false,
      paths: { larder: [join(ROOT, "packages/larder/src/index.ts")] },
      typeRoots: [join(ROOT, "packages/larder/node_modules/@types")],
    },
    include: ["*.ts"],
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(tsconfig));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  const { stdout } = await runProcess(join(ROOT, "node_modules/.bin/tsc"), ["-p", ".", "--pretty", "false"], {
    cwd: folder,
    ms: 100_000,
  });
  return stdout;
}
