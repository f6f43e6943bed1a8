import { cpus, release, totalmem } from "node:os";

/** Processor, memory and versions, for the head of a report. */
export function describeMachine(pinned: boolean): string {
  const places = pinned ? "server on core 0, generator and store on core 1" : "not pinned to cores";
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${memory}; Linux ${release()}, Node ${process.versions.node}; ${places}`;
}
