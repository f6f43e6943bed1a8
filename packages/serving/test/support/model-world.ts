import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Definitions, type LarderError, parseDefinitions } from "@larder/schema";
import { type OnlineStore, openOnlineStore } from "@larder/store-core";
import { type LogicalClock, logicalClock, temporaryFolder } from "@larder/testkit";
import type { LightMyRequestResponse } from "fastify";
import { buildApp, loadModels, type ModelRegistry, openServedLog, type ServedLog } from "../../src/index.ts";

/** An app on a memory store with models of its own. */
export interface ModelWorld extends AsyncDisposable {
  readonly models: ModelRegistry;
  readonly store: OnlineStore;
  readonly clock: LogicalClock;
  get(url: string): Promise<LightMyRequestResponse>;
  /** Where relative paths of the yaml count from. */
  readonly folder: string;
  /** What the yaml's `server.served_log` opened, and what it complained of. */
  readonly log: ServedLog | undefined;
  readonly problems: readonly LarderError[];
  readonly definitions: Definitions;
  metrics(): Promise<string>;
  post(url: string, body: unknown): Promise<LightMyRequestResponse>;
  /** Writes rows of a view; every column has one value per row. */
  write(view: string, columns: Readonly<Record<string, readonly unknown[]>>): Promise<void>;
  /** The parsed answer of a model to entity rows; fails where it is no 200. */
  predict(model: string, entity_rows: readonly object[]): Promise<Answer>;
}

/** What a model answers, as tests look at it. */
export interface Answer {
  readonly predictions: readonly (Readonly<Record<string, unknown>> | null)[];
  readonly errors?: readonly {
    readonly row: number;
    readonly code: string;
    readonly message: string;
    readonly features: readonly string[];
  }[];
  readonly metadata: { readonly feature_status: readonly Readonly<Record<string, string>>[] };
}

/** Starts an app; `files` are the models' bytes by path, `closeMs` what closing the log may take. */
export async function openModelWorld(
  yaml: string,
  files: Readonly<Record<string, Uint8Array>>,
  closeMs = 60_000,
): Promise<ModelWorld> {
  const folder = await temporaryFolder();
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder.path, name), bytes);
  const definitions = parseDefinitions(yaml, { file: join(folder.path, "feature_store.yaml"), env: {} });
  const clock = logicalClock();
  const store = await openOnlineStore(definitions, { clock });
  const models = await loadModels(definitions);
  const { servedLog } = definitions.server;
  const problems: LarderError[] = [];
  const onProblem = (problem: LarderError) => void problems.push(problem);
  const log =
    servedLog === undefined
      ? undefined
      : await openServedLog(servedLog, {
          definitions,
          store,
          clock,
          onProblem,
          erasure: { leaseMs: 1, writeMs: 2_000 },
          closeMs,
        });
  const app = await buildApp({ definitions, store, models, clock, ...(log === undefined ? {} : { servedLog: log }) });
  const post = (url: string, body: unknown) => app.inject({ method: "POST", url, body: body as object });
  return {
    models,
    store,
    clock,
    get: (url) => app.inject(url),
    folder: folder.path,
    definitions,
    metrics: async () => (await app.inject({ method: "GET", url: "/metrics" })).body,
    log,
    problems,
    post,
    write: async (view, columns) => {
      const rows = Object.values(columns)[0]?.length ?? 0;
      const df = {
        ...columns,
        event_timestamp: Array.from({ length: rows }, () => clock.now()).map((now) =>
          new Date(now / 1000).toISOString(),
        ),
      };
      const response = await post("/write-to-online-store", { feature_view_name: view, df });
      if (response.statusCode !== 200) throw new Error(response.body);
    },
    predict: async (model, entity_rows) => {
      const response = await post(`/models/${model}/predict`, { entity_rows });
      if (response.statusCode !== 200) throw new Error(response.body);
      return response.json();
    },
    [Symbol.asyncDispose]: async () => {
      await app.close();
      await log?.close();
      await models.close();
      await store.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}
