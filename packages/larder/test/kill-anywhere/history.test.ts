import { expect, test } from "vitest";
import type { Fact } from "./events.ts";
import { History } from "./history.ts";

const OWNER = "default/position/1";
const fact = (n: number, event: number, deleted = false): Fact => ({
  ...{ n, event, deleted, created: event, customer: 1 },
  topic: "moves",
  tenant: "default",
});

test("what goes forward is fine; what goes backwards, comes from nowhere or disappears is told", () => {
  const history = new History();
  for (const each of [fact(1, 10), fact(2, 20), fact(3, 15, true)]) history.sent(each);
  history.absent(OWNER);
  history.found(OWNER, 1);
  history.absent(OWNER); // the deletion of 15 may have arrived
  history.found(OWNER, 2);
  history.found(OWNER, 2);
  history.committed("moves/0", 3n);
  history.committed("moves/0", 3n);
  expect(history.broken).toEqual([]);
  history.found(OWNER, 1);
  history.found(OWNER, 9);
  history.found("acme/position/1", 1);
  history.absent(OWNER);
  history.version(OWNER, { event: 15, created: 15 });
  history.committed("moves/0", 2n);
  expect(history.broken).toEqual([
    `${OWNER} was 20/20 and then 10/10`,
    `${OWNER} is 9, which nobody sent`,
    "acme/position/1 is 1, which nobody sent",
    `${OWNER} was 20/20 and then nothing, though nobody deleted it`,
    `${OWNER} was 20/20 and then 15/15`,
    "the offset of moves/0 was 3 and then 2",
  ]);
});
