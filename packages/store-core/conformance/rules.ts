import type { OnlineStoreCapabilities } from "../src/online-store.ts";
import type { World } from "./world.ts";

/** What a group of rules is stated with. */
export interface Rules {
  /** States one rule as a test in a world of its own. */
  rule(name: string, run: (world: World) => Promise<void>): void;
  /** Rules about what a store does not have are not stated. */
  readonly capabilities: OnlineStoreCapabilities;
}
