import { createServer } from "node:net";

/** The one address that test servers listen on. */
export const LOOPBACK = "127.0.0.1";

/**
 * A loopback port that was free a moment ago. Another process may take it before you do: a server that can listen on port 0 should, and one
 * that can't must be started again on another port when its own is gone.
 */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, LOOPBACK, () => {
      const address = probe.address();
      probe.close(() => {
        if (address === null || typeof address === "string") reject(new Error("The probe has no port."));
        else resolve(address.port);
      });
    });
  });
}

/**
 * Starts a server that can't listen on port 0, again on another port when somebody else was quicker. `start` fails with what the server said.
 */
export async function onFreePort<T>(start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    try {
      return await start(port);
    } catch (error) {
      // Anything else is no matter of luck.
      if (attempt === 5 || !(error instanceof Error && TAKEN.test(error.message))) throw error;
    }
  }
}

const TAKEN = /Address already in use|Failed listening on port/i;
