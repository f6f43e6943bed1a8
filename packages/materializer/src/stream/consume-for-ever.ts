import { setTimeout as sleep } from "node:timers/promises";
import { isLarderError } from "@larder/schema";

/**
 * Runs sessions one after the other until `stop` aborts: one that fails because the brokers can't be reached is followed by the next, after a pause that
 * grows to five seconds. `session` fails with a coded error and says by `joined` whether the group has taken it in.
 * @throws what else ended a session, the receiver's own error among it
 */
export async function consumeForEver(
  stop: AbortSignal,
  session: (stop: AbortSignal, joined: () => void) => Promise<void>,
): Promise<void> {
  let pause = FIRST_PAUSE_MS;
  let lastJoined: number | undefined;
  while (!stop.aborted) {
    const joined = () => {
      pause = FIRST_PAUSE_MS;
      lastJoined = performance.now();
    };
    try {
      await session(stop, joined);
    } catch (error) {
      if (!isWorthAnother(error, lastJoined)) throw error;
    }
    if (stop.aborted) return;
    // Spread, so that the members of a group do not all come back at once.
    await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal: stop }).catch(() => {});
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;
const GRACE_MS = 60_000;

/** A broker that has just started may not know its topics yet; one that never knew them has none. */
function isWorthAnother(error: unknown, lastJoined: number | undefined): boolean {
  if (isLarderError(error, "STREAM_UNAVAILABLE", "STREAM_FENCED")) return true;
  const unknown = isLarderError(error) && error.facts["reason"] === "UNKNOWN_TOPIC_OR_PARTITION";
  return unknown && lastJoined !== undefined && performance.now() - lastJoined < GRACE_MS;
}
