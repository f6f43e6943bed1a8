/** Waits for `promise`, at most `ms` milliseconds; then fails with what was waited for, so that no test hangs without a reason. */
export async function within<T>(ms: number, waitingFor: () => string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited ${ms} ms for ${waitingFor()}.`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
