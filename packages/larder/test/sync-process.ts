import { type ChildHandle, type KafkaServer, startProcess } from "@larder/testkit";
import { LARDER, type Project } from "./project.ts";

/** Long enough on a busy machine. Milliseconds. */
export const WAIT_MS = 60_000;

/** Starts `larder` from source, in the project's folder. */
export function startLarder(project: Project, ...args: readonly string[]): Promise<ChildHandle> {
  return startProcess(process.execPath, [...LARDER, ...args], {
    cwd: project.folder,
    env: { INIT_CWD: undefined, NO_COLOR: undefined },
  });
}

/** `larder sync`, which has opened everything and begins to read when this resolves. */
export async function startSync(project: Project, ...args: readonly string[]): Promise<SyncProcess> {
  const child = await startLarder(project, "sync", "--port", "0", "--json", ...args);
  const { url } = JSON.parse(await child.waitForLine(/^\{"url"/, WAIT_MS)) as { url: string };
  return { child, url };
}

/** A process and the address of its small server. */
export interface SyncProcess {
  readonly child: ChildHandle;
  readonly url: string;
}

/** What it counts of its first view. */
export async function countsOf({ url }: SyncProcess): Promise<Readonly<Record<string, number>>> {
  const { views } = (await (await fetch(`${url}/status`)).json()) as { views: Readonly<Record<string, number>>[] };
  return views[0] ?? {};
}

/** Makes a topic and that of its dead letters. Records of any time stay in it: a broker looks for those past their retention from half a minute on. */
export async function topicWithLetters(kafka: KafkaServer, topic: string, partitions = 3): Promise<void> {
  await kafka.createTopic(topic, { partitions, config: { "retention.ms": "-1" } });
  await kafka.createTopic(`${topic}.dead-letter`, { partitions: 1 });
}

/** Whether the group has committed all that the topic holds. */
export async function isCaughtUp(kafka: KafkaServer, group: string, topic: string): Promise<boolean> {
  const [committed, ends] = await Promise.all([kafka.committed(group, topic), kafka.endOffsets(topic)]);
  return ends.every((end, partition) => end === 0n || committed[partition] === end);
}
