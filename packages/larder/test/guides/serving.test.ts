import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { servedRoutes } from "@larder/contract";
import { loadDefinitions } from "@larder/schema";
import { buildApp, loadModels } from "@larder/serving";
import { openOnlineStore } from "@larder/store-core";
import { type DocumentBlock, documentBlocks, logicalClock, until } from "@larder/testkit";
import { expect, test } from "vitest";
import { createHistorical } from "../../src/historical-function.ts";
import { createMaterialize } from "../../src/materialize-function.ts";
import { createProject } from "../project.ts";

const PAGE = join(import.meta.dirname, "../../../../docs/serving.md");
const MODELS = join(import.meta.dirname, "../fixtures");

/** When the page's answers were given, in microseconds. */
const NOW = Date.UTC(2024, 2, 15) * 1000;

const ORDERS = `SELECT * FROM (VALUES
  (1::BIGINT, TIMESTAMP '2024-03-10', 3::BIGINT, 42.5::FLOAT, 'books'), (2, TIMESTAMP '2024-02-01', 1, 9.99, NULL)
) t(customer_id, event_timestamp, orders_30d, spent_30d, last_category)`;

/** One half of an exchange as the page shows it. */
interface Message {
  /** `POST /push`, or `200 OK`. */
  readonly start: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly line: number;
}

test("docs/serving.md: every route of the contract has a request there, and answers what the page says", async () => {
  const blocks = documentBlocks(await readFile(PAGE, "utf8"));
  const messages = blocks.filter(({ kind }) => kind === "http").map(readMessage);
  const [file] = blocks.filter(({ kind }) => kind === "yaml");
  expect(blocks).toHaveLength(messages.length + 1);

  await using server = await serve(file?.text ?? "");
  const asked = new Set<string>();
  let jobId = "";
  for (let i = 0; i < messages.length; i += 2) {
    const [request, answer] = messages.slice(i, i + 2);
    if (request === undefined || answer === undefined) throw new Error("The last request has no answer.");
    const [method = "", path = ""] = request.start.replace("{job_id}", jobId).split(" ");
    let given = await server.ask(method, path, request);
    await until(30_000, `${path} has ended`, async () => {
      if (!given.body.includes('"status":"running"')) return true;
      given = await server.ask(method, path, request);
      return false;
    });
    jobId = /"job_id":"([^"]+)"/.exec(given.body)?.[1] ?? jobId;
    expect([given.status, given.body], `line ${answer.line}`).toEqual([
      answer.start,
      bodyLike(answer.body, given.body),
    ]);
    expect(given.headers, `line ${answer.line}`).toMatchObject(answer.headers);
    asked.add(`${method} ${routeOf(path)}`);
  }
  const routes = Object.values(servedRoutes({ strictFeast: false })).map(({ method, path }) => `${method} ${path}`);
  expect(routes.filter((route) => !asked.has(route))).toEqual([]);
}, 60_000);

function readMessage({ text, line }: DocumentBlock): Message {
  const [head = "", ...rest] = text.trimEnd().split("\n\n");
  const [start = "", ...headers] = head.split("\n");
  const pairs = headers.map((header) => header.split(": ", 2) as [string, string]);
  return { start, headers: Object.fromEntries(pairs), body: rest.join("\n\n"), line };
}

/** The page's body once it is found to hold: `…` stands for any run of characters, and blanks between JSON's parts for none. */
function bodyLike(shown: string, given: string): string {
  const compact = isJson(shown) ? JSON.stringify(JSON.parse(shown)) : shown;
  const pattern = compact
    .split("…")
    .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`))
    .join("[^]*");
  return new RegExp(`^${pattern}$`).test(given) ? given : compact;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The path of the contract's route that a path of the page is of. */
function routeOf(path: string): string {
  const [bare = ""] = path.split("?");
  return bare
    .replace(/(?<=^\/(v2\/|v2\/repository\/)?models\/)\w+/, "{model}")
    .replace(/(?<=\/versions\/)\w+/, "{version}")
    .replace(/(?<=^\/materialize\/jobs\/).+/, "{id}");
}

async function serve(yaml: string) {
  await using opened = new AsyncDisposableStack();
  const project = opened.use(await createProject(yaml));
  await project.parquet("data/orders.parquet", ORDERS);
  const folder = project.path("models");
  await mkdir(folder);
  for (const model of ["spend.onnx", "offer.onnx"]) await copyFile(join(MODELS, model), join(folder, model));
  const definitions = await loadDefinitions(project.path("feature_store.yaml"), { env: {} });
  const clock = logicalClock(NOW);
  const store = opened.use(await openOnlineStore(definitions, { clock }));
  const models = opened.use(await loadModels(definitions));
  const materialize = createMaterialize({ definitions, store, clock }, definitions.file, {});
  const historical = createHistorical(definitions, definitions.file, {});
  const app = await buildApp({ definitions, store, models, clock, materialize, historical });
  opened.defer(() => app.close());
  const closing = opened.move();
  return {
    async ask(method: string, url: string, { headers, body }: Message) {
      const sent =
        body === "" ? { headers } : { headers: { "content-type": "application/json", ...headers }, payload: body };
      const {
        statusCode,
        statusMessage,
        headers: given,
        body: text,
      } = await app.inject({
        method: method === "GET" ? "GET" : "POST",
        url,
        ...sent,
      });
      return { status: `${statusCode} ${statusMessage}`, headers: given, body: text };
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}
