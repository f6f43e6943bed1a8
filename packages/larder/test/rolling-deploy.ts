import { join } from "node:path";
import { startProcess } from "@larder/testkit";
import { expect } from "vitest";
import { createProject } from "./project.ts";

const WORKER = join(import.meta.dirname, "fixtures", "rolling-worker.ts");

const yaml = (store: string, features: string): string => `project: rolling
online_store: ${store}
entities: [{ name: customer, join_keys: [{ name: customer_id, type: int64 }] }]
feature_views:
  - name: plans
    entity: customer
    features: [${features}]
`;

/** Features before, and after one was added, one removed, one retyped, and the others reordered. */
const OLD =
  "{ name: price, type: int64 }, { name: writer, type: string }, { name: score, type: float64 }, { name: invoices, type: list<int64> }";
const NEW =
  "{ name: writer, type: string }, { name: region, type: string }, { name: score, type: string }, { name: price, type: int64 }";

interface Report {
  readonly seen: Readonly<Record<"old" | "new", number>>;
  readonly rows: readonly (readonly [number, number, string])[];
  readonly problems: readonly string[];
}

/** Runs a process of each definitions on one store at the same time; both write and read the same customers. `store` is the yaml's online_store. */
export async function rollingDeploy(store: string, rounds: number): Promise<void> {
  await using project = await createProject(yaml(store, OLD));
  await project.write("new.yaml", yaml(store, NEW));
  const start = (side: string, file: string) =>
    startProcess(process.execPath, ["--conditions=@larder/source", WORKER, project.path(file), side, String(rounds)], {
      cwd: project.folder,
    });
  await using old = await start("old", "feature_store.yaml");
  await using young = await start("new", "new.yaml");
  const workers = [old, young];
  const lines = await Promise.all(workers.map((worker) => worker.waitForLine(/^\{"seen"/, 50_000)));
  const [mine, theirs] = lines.map((line) => JSON.parse(line) as Report);
  for (const report of [mine, theirs]) {
    expect(report?.problems).toEqual([]);
    expect(Math.min(report?.seen.old ?? 0, report?.seen.new ?? 0)).toBeGreaterThan(rounds);
  }
  expect(theirs?.rows).toEqual(mine?.rows);
  expect(mine?.rows.map(([customer]) => customer)).toEqual([1, 2, 3, 4, 5, 11, 12, 13, 21, 22, 23, 19, 29]);
  for (const worker of workers) expect(await worker.waitForExit()).toEqual({ code: 0, signal: null });
}
