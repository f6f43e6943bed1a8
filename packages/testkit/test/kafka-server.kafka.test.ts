import { expect, test } from "vitest";
import { startKafka } from "../src/index.ts";

test("a started broker keeps records and topics over a SIGKILL, and makes no topic unasked", async () => {
  await using kafka = await startKafka();
  await kafka.createTopic("kept", { partitions: 2, config: { "max.message.bytes": "2000000" } });
  await kafka.produce("kept", [
    { key: "a", value: "1", partition: 0 },
    { key: "b", value: "2", partition: 1, headers: { h: "x" } },
    { key: "b", value: null, partition: 1 },
  ]);
  expect(await kafka.endOffsets("kept")).toEqual([1n, 2n]);
  await expect(kafka.produce("not-made", [{ value: "x" }])).rejects.toThrow();
  const [node] = kafka.nodes;
  const before = node?.pid;
  await kafka.kill();
  await kafka.restart();
  expect(node?.pid).not.toBe(before);
  expect(await kafka.endOffsets("kept")).toEqual([1n, 2n]);
  expect(await kafka.committed("nobody", "kept")).toEqual([-1n, -1n]);
});
