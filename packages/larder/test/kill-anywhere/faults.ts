import { setTimeout as wait } from "node:timers/promises";
import type { KafkaServer, RedisServer, SeededRandom } from "@larder/testkit";
import type { SyncProcess } from "./sync-process.ts";

/** One harm, and its end. */
export interface Fault {
  readonly name: string;
  happen(): Promise<void>;
}

/** What is harmed. */
export interface Victims {
  readonly kafka: KafkaServer;
  readonly redis: RedisServer;
  readonly processes: readonly SyncProcess[];
  readonly random: SeededRandom;
}

/** The session of a member, in milliseconds: one that is halted for longer is thrown out of its group, and wakes up as nobody's. */
export const SESSION_MS = 1_000;

/** Each way to harm them, most often a kill of a sync. */
export function faultsOf({ kafka, redis, processes, random }: Victims): readonly Fault[] {
  const someProcess = () => random.pick(processes);
  return [
    { name: "sync killed", happen: () => someProcess().kill() },
    {
      name: "syncs killed between a write and its commit",
      happen: async () => {
        await Promise.all(processes.map((each) => each.isReady()));
        await kafka.kill("SIGSTOP");
        try {
          await Promise.all(processes.map((each) => each.killUncommitted()));
        } finally {
          await kafka.kill("SIGCONT");
        }
      },
    },
    { name: "both killed", happen: async () => void (await Promise.all(processes.map((each) => each.kill()))) },
    { name: "sync halted", happen: () => someProcess().pause(SESSION_MS + random.integer(400, 1_200)) },
    { name: "sync restarted", happen: () => someProcess().restart() },
    {
      name: "broker killed",
      happen: async () => {
        await kafka.kill();
        await wait(random.integer(0, 500));
        await kafka.restart();
      },
    },
    {
      name: "store killed",
      happen: async () => {
        await redis.kill();
        await wait(random.integer(0, 500));
        await redis.restart();
      },
    },
    {
      name: "store halted",
      happen: async () => {
        await redis.kill("SIGSTOP");
        await wait(random.integer(100, 1_200));
        await redis.kill("SIGCONT");
      },
    },
  ];
}
