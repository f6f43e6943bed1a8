import { show } from "../fault.ts";
import { type CheckContext, present } from "./check-context.ts";

/** Stands for the topic of a refused record in the name of its dead-letter topic. */
const TOPIC = "{topic}";

/** Dead letters must not come back as records: they would be refused again, and again. */
export function checkSync({ file, at, problems }: CheckContext): void {
  const pattern = file.stream?.poison?.topic;
  if (pattern === undefined) return;
  const here = at("stream.poison", "topic");
  if (!/^[A-Za-z0-9._-]+$/.test(pattern.replaceAll(TOPIC, "t"))) {
    problems.add(here, `is ${show(pattern)}, no name of a topic`, `Use letters, digits, dots, _, - and ${TOPIC}`);
    return;
  }
  const read = new Set(
    [...present(file.feature_views)].flatMap(([, { stream }]) => [stream?.topic, ...(stream?.topics ?? [])]),
  );
  for (const topic of read) {
    if (topic === undefined || !read.has(pattern.replaceAll(TOPIC, topic))) continue;
    const what = `makes ${show(pattern.replaceAll(TOPIC, topic))} the topic of dead letters, which a view reads`;
    problems.add(here, what, "Name a topic that no view reads");
    return;
  }
}
