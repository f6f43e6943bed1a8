import { scheduler } from "node:timers/promises";
import type { RedisServer, TcpProxy } from "@larder/testkit";
import type { Fault } from "./run-faults.ts";

/** Sends one command to a server, as somebody who may do all. */
export type Admin = (...command: readonly string[]) => Promise<unknown>;

/** Faults of one server behind a road. Each road's fault ends with `resume`. */
export function roadFaults(road: TcpProxy): readonly Fault[] {
  const heal = async () => road.resume();
  const of = (name: string, fails: boolean, inject: () => void): Fault => ({
    name,
    fails,
    inject: async () => inject(),
    heal,
  });
  return [
    of("cut", true, () => road.cut()),
    of("hang", true, () => road.hang()),
    of("requests arrive, answers do not", true, () => road.hang("answers")),
    of("slow", false, () => road.delay(20)),
  ];
}

/** The server dies, or hangs, and is there again with what it had: its append-only file has every acknowledged write. */
export function deathFaults(server: RedisServer): readonly Fault[] {
  return [
    { name: "kill -9", fails: true, inject: () => server.kill(), heal: () => server.restart() },
    { name: "SIGSTOP", fails: true, inject: () => server.kill("SIGSTOP"), heal: () => server.kill("SIGCONT") },
  ];
}

/** What an operator may do to a server at any time: no call has to fail for longer than it takes to connect again. */
export function adminFaults(admin: Admin): readonly Fault[] {
  const heal = async () => {};
  return [
    { name: "SCRIPT FLUSH", fails: false, inject: () => admin("SCRIPT", "FLUSH"), heal },
    {
      name: "CLIENT KILL",
      fails: false,
      inject: async () => {
        for (let i = 0; i < 3; i++) {
          await admin("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
          await scheduler.wait(50);
        }
      },
      heal,
    },
  ];
}

/** Every acknowledged write is in the file before its acknowledgement leaves. */
export const APPEND_ALWAYS = ["--appendonly", "yes", "--appendfsync", "always"];
