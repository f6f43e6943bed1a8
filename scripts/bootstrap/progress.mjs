/** One line of what is going on. It goes to stderr, so that stdout stays the command's own. */
export function say(text) {
  process.stderr.write(`larder: ${text}\n`);
}

const REMIND_MS = 10_000;

/** Runs `work`, says what it is and how long it took, and every ten seconds that it is still going on. */
export async function step(name, work) {
  const started = performance.now();
  const seconds = () => ((performance.now() - started) / 1000).toFixed(1);
  say(`${name} …`);
  const reminder = setInterval(() => say(`${name}: still at it after ${Math.round(seconds())} s`), REMIND_MS);
  try {
    const result = await work();
    say(`${name}: done in ${seconds()} s`);
    return result;
  } finally {
    clearInterval(reminder);
  }
}
