import { createHash } from "node:crypto";
import { cpus, release, totalmem } from "node:os";

/** What decides how fast anything is here. Figures of machines that differ in any of it are not compared. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly node: string;
  readonly redis: string;
}

/** This machine, with the Redis that is started on it. */
export function thisMachine(redis: string): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown processor",
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    node: process.versions.node,
    redis,
  };
}

/** For the head of a report. */
export function machineText({ cpu, cores, memoryGib, kernel, node, redis }: Machine): string {
  return `${cpu}, ${cores} cores, ${memoryGib} GiB; Linux ${kernel}, Node ${node}${redis === "" ? "" : `, Redis ${redis}`}`;
}

/** What differs, as `kernel: 6.1 there, 6.8 here`; empty for the same machine. */
export function differences(there: Machine, here: Machine): readonly string[] {
  const keys = ["cpu", "cores", "memoryGib", "kernel", "node", "redis"] as const;
  return keys.flatMap((key) => (there[key] === here[key] ? [] : [`${key}: ${there[key]} there, ${here[key]} here`]));
}

/** Equal for machines, and what else is given, between which nothing differs. */
export function fingerprintOf(machine: Machine, versions: Readonly<Record<string, string>>): string {
  return createHash("sha256")
    .update(JSON.stringify([machine, versions]))
    .digest("hex")
    .slice(0, 12);
}
