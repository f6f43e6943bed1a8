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
