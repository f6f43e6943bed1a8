import type { Definitions } from "@larder/schema";
import pino, { type Logger } from "pino";

/** JSON lines on stderr; of one of several workers, with its number. */
export function createLogger(worker: number | undefined): Logger {
  const base = worker === undefined ? null : { worker };
  return pino({ name: "larder", base }, pino.destination({ dest: 2, sync: true }));
}

/** Says what a file asks for and nothing acts on. */
export function tellNotices({ notices }: Definitions, logger: Logger): void {
  for (const { place, field, what } of notices) logger.warn({ place, field }, `${field} ${what}`);
}
