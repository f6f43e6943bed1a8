import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXAMPLE } from "../quickstart/command.ts";
import { VIEWS, type ViewName } from "../views.ts";

/** A folder with the example's definitions, an online store of their own, and streams. */
export interface DemoFolder {
  /** Of feature_store.yaml. */
  readonly file: string;
  /** View -> the topic that it reads. */
  readonly topics: ReadonlyMap<ViewName, string>;
  remove(): Promise<void>;
}

/** Makes it. `name` is in the names of topics and group, so that demos on one broker don't meet. */
export async function makeDemoFolder(brokers: readonly string[], name: string): Promise<DemoFolder> {
  const path = await mkdtemp(join(tmpdir(), "larder-demo-"));
  const file = join(path, "feature_store.yaml");
  const topics = new Map(VIEWS.map((view) => [view.name, `${name}.${view.name}`] as const));
  let yaml = await readFile(join(EXAMPLE, "feature_store.yaml"), "utf8");
  // More patience than for requests of a shop: the demo shares one small machine with a broker.
  const store = "online_store: { type: sqlite, path: online.db, deadline: 5s, write_deadline: 5s }";
  const stream = `stream: { type: kafka, brokers: ${JSON.stringify(brokers)}, group_id: ${name} }`;
  yaml = replaced(yaml, /^online_store: .*$/m, `${store}\n${stream}`);
  yaml = replaced(yaml, "path: models/churn.onnx", `path: ${JSON.stringify(join(EXAMPLE, "models", "churn.onnx"))}`);
  for (const [view, topic] of topics) {
    const reads = `{ topic: ${topic}, format: json, event_time: event_timestamp, created_time: created }`;
    yaml = replaced(yaml, `  - name: ${view}\n`, `  - name: ${view}\n    stream: ${reads}\n`);
  }
  await writeFile(file, yaml);
  return { file, topics, remove: () => rm(path, { recursive: true, force: true }) };
}

function replaced(text: string, what: string | RegExp, by: string): string {
  const result = text.replace(what, () => by);
  if (result === text) throw new Error(`feature_store.yaml has nothing like ${what}.`);
  return result;
}
