/**
 * Asks again and again until the answer is true, at most `ms` milliseconds; then fails with what was waited for. For facts about which no server
 * sends word. A question that fails counts as no.
 */
export async function until(ms: number, fact: string, question: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + ms;
  for (let last: unknown; ; ) {
    try {
      if (await question()) return;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) throw new Error(`Waited ${ms} ms until ${fact}.`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

const PAUSE_MS = 20;
