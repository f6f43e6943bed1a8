import type { FastifyBaseLogger } from "fastify";
import type { Job } from "./materialize-jobs.ts";

/** Logs the end of a run that nobody waits for. */
export function logEnd(job: Job, log: FastifyBaseLogger): void {
  job.done.then(
    ({ warnings }) => logWarnings(job, warnings, log),
    (err: unknown) => log.error({ err, tenant: job.tenant, job: job.id }, "A materialize job failed"),
  );
}

/** Logs what a run warns of. */
export function logWarnings({ id, tenant }: Job, warnings: readonly string[], log: FastifyBaseLogger): void {
  for (const warning of warnings) log.warn({ tenant, job: id }, warning);
}
