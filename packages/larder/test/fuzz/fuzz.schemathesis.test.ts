import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { runProcess, startProcess } from "@larder/testkit";
import { expect, test } from "vitest";
import { createProject, LARDER, type Project } from "../project.ts";

const HERE = import.meta.dirname;
const MODELS = join(HERE, "../fixtures");
const PYTHON = join(process.env["LARDER_CACHE"] ?? "", "servers", "schemathesis", "bin", "python");

/** What is asked follows from it, as long as the document and schemathesis stay the same. */
const SEED = process.env["LARDER_SEED"] ?? "1";

/** Longest that a run may take on a machine that has much else to do. */
const FUZZ_MS = 500_000;

/** Every value type, a composite key, a view without entities, sources, and a model with request features. */
const YAML = `project: fuzz
online_store: { type: memory, deadline: 30s, write_deadline: 30s }
offline_store: { type: duckdb, path: data }
entities:
  - { name: customer, join_keys: [{ name: customer_id, type: int64 }] }
  - { name: outlet, join_keys: [{ name: country, type: string }, { name: number, type: int32 }] }
feature_views:
  - name: orders
    entity: customer
    push_source: shop
    features:
      - { name: orders_30d, type: int64 }
      - { name: spent_30d, type: float32, default: 0 }
      - { name: last_category, type: string }
    source: { path: "{tenant}/orders.parquet" }
  - name: profile
    entity: customer
    push_source: shop
    features:
      - { name: age, type: int32 }
      - { name: income, type: float64 }
      - { name: vip, type: bool }
      - { name: avatar, type: bytes }
      - { name: joined, type: unix_timestamp }
      - { name: tags, type: list<string> }
      - { name: scores, type: list<float64> }
  - { name: sales, entity: outlet, partial_rows: absent, features: [{ name: turnover, type: float64 }, { name: days, type: list<int64> }] }
  - { name: totals, entities: [], features: [{ name: customers, type: int64 }] }
feature_services:
  - { name: orders_v1, features: ["orders:orders_30d", "orders:spent_30d"] }
  - { name: profile_v1, features: ["profile:age", "profile:tags", "orders:last_category"] }
models:
  - name: spend
    path: models/spend.onnx
    feature_service: orders_v1
    on_missing: default
    inputs: { spent_30d: "orders:spent_30d" }
    prediction: { name: score, output: spent_30d_out }
  - name: offer
    path: models/offer.onnx
    feature_service: orders_v1
    on_missing: nan
    request_features: [{ name: amount, type: float32 }, { name: weekend, type: bool, default: false }]
    inputs: { basket: ["orders:spent_30d", amount] }
    prediction: [{ name: basket, output: basket_out }, { name: weekend, output: weekend_out }]
tenants: { default: {}, acme: {} }
`;

const ROWS = `SELECT * FROM (VALUES
  (1::BIGINT, TIMESTAMP '2024-03-10', 3::BIGINT, 42.5::FLOAT, 'books'), (2, TIMESTAMP '2024-02-01', 1, 9.99, NULL)
) t(customer_id, event_timestamp, orders_30d, spent_30d, last_category)`;

/** Operations whose bodies the document describes in the names and types of the definitions. */
const TYPED =
  /^POST (?:\/t\/\{tenant\})?\/(?:predict|models|push|write-to-online-store|delete-from-online-store|get-online-features|historical-features|materialize)/;

/** Answers by status, by operation: `POST /predict`. */
type Answers = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** To what the document allows, and to what it does not. */
interface Asked {
  readonly positive: Answers;
  readonly negative: Answers;
}

test("whatever /openapi.json says may be asked is answered as it says; nothing that it does not allow is a failure of the server's", async () => {
  await using project = await createShop(YAML);
  await using server = await serve(project);
  const { positive, negative } = await server.fuzz("--max-examples", "8");
  expect([...failures(positive), ...failures(negative)]).toEqual([]);
  expect(share(positive, /^2/)).toBeGreaterThanOrEqual(0.5);
  expect(share(negative, /^4/)).toBeGreaterThanOrEqual(0.5);
  const typed = Object.entries(positive).filter(([name]) => TYPED.test(name));
  expect(typed.length).toBeGreaterThan(20);
  expect(typed.filter(([, statuses]) => (statuses["200"] ?? 0) === 0)).toEqual([]);
}, 600_000);

test("a server with API keys answers their holders as the document says, and nobody else", async () => {
  await using project = await createShop(`${YAML}server: { auth: { keys: keys.jsonl } }\n`);
  const create = ["keys", "create", "--tenant", "default", "--scopes", "read,write,predict,historical,admin"];
  const { key } = (await project.json(...create)).value as { readonly key: string };
  await using server = await serve(project);
  const asked = ["--mode", "positive", "--max-examples", "1", "--exclude-path-regex", "^/t/"];
  // schemathesis repeats each request without the key, and with another, and wants a 401.
  const { positive } = await server.fuzz(...asked, "--header", `Authorization: Bearer ${key}`);
  expect(failures(positive)).toEqual([]);
  expect(share(positive, /^2/)).toBeGreaterThanOrEqual(0.5);
}, 600_000);

async function createShop(yaml: string): Promise<Project> {
  const project = await createProject(yaml);
  for (const tenant of ["default", "acme"]) await project.parquet(`data/${tenant}/orders.parquet`, ROWS);
  await mkdir(project.path("models"));
  for (const model of ["spend.onnx", "offer.onnx"])
    await copyFile(join(MODELS, model), project.path(`models/${model}`));
  return project;
}

async function serve(project: Project) {
  const args = [...LARDER, "serve", "--port", "0", "--json"];
  const env = { INIT_CWD: undefined, NO_COLOR: undefined };
  const child = await startProcess(process.execPath, args, { cwd: project.folder, env });
  const { url } = JSON.parse(await child.waitForLine(/^\{"url"/, 60_000)) as { url: string };
  let runs = 0;
  return {
    /** Asks what schemathesis makes up, and answers what came of it. Fails when an answer is none of the document's. */
    async fuzz(...args: readonly string[]): Promise<Asked> {
      const counts = project.path(`answers-${runs++}.json`);
      const command = ["-m", "schemathesis.cli", "--config-file", join(HERE, "schemathesis.toml"), "run"];
      const { code, stdout, stderr } = await runProcess(
        PYTHON,
        [...command, ...args, "--seed", SEED, "--no-color", `${url}/openapi.json`],
        {
          cwd: project.folder,
          env: {
            SCHEMATHESIS_HOOKS: "fuzz_hooks",
            FUZZ_COUNTS: counts,
            PYTHONPATH: HERE,
            PYTHONDONTWRITEBYTECODE: "1",
          },
          ms: FUZZ_MS,
        },
      );
      expect(code, `${stdout}${stderr}`).toBe(0);
      const asked = JSON.parse(await readFile(counts, "utf8")) as Asked;
      for (const [mode, answers] of Object.entries(asked))
        console.log(`schemathesis --seed ${SEED}, ${mode}: ${JSON.stringify(byStatus(answers))}`);
      return asked;
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

/** Larder's own routes: below /feast, Feast's server says what is answered. */
function own(answers: Answers): readonly (readonly [operation: string, statuses: Readonly<Record<string, number>>])[] {
  return Object.entries(answers).filter(([operation]) => !operation.includes("/feast/"));
}

function byStatus(answers: Answers): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const [, statuses] of own(answers)) {
    for (const [status, count] of Object.entries(statuses)) sums[status] = (sums[status] ?? 0) + count;
  }
  return sums;
}

function share(answers: Answers, wanted: RegExp): number {
  const counts = Object.entries(byStatus(answers));
  const sum = (some: typeof counts) => some.reduce((total, [, count]) => total + count, 0);
  return sum(counts.filter(([status]) => wanted.test(status))) / sum(counts);
}

function failures(answers: Answers): readonly string[] {
  return own(answers).flatMap(([operation, statuses]) =>
    Object.keys(statuses).flatMap((status) => (status.startsWith("5") ? [`${operation}: ${status}`] : [])),
  );
}
