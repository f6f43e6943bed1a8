import type { Definitions } from "@larder/schema";
import { seededRandom, testSeed } from "@larder/testkit";
import { expect } from "vitest";
import { openOnlineStore } from "../../src/open-online-store.ts";
import { History, type Verdict } from "./history.ts";
import { CONTESTED, type MixedLoad, startMixedLoad } from "./mixed-load.ts";
import { faultDefinitions, historyClock, noteAnswer, ownerOf, Reading, VIEWS } from "./world.ts";

/** One way to harm the servers. */
export interface Fault {
  readonly name: string;
  /** Whether calls fail while it lasts; otherwise the load must go on through it. */
  readonly fails: boolean;
  inject(): Promise<unknown>;
  /** Ends it, and resolves when the servers are whole again; the store under test finds that out by itself. */
  heal(): Promise<unknown>;
  /** Where another server takes over while it lasts: what may then be lost. */
  readonly takeover?: Takeover;
}

/** A primary that is replaced. */
export interface Takeover {
  /** The logical time up to which all that was acknowledged had reached the server that takes over; called after `inject`. */
  reached(): number;
  /** Resolves when the other server has taken over; `heal` then brings the old one back. */
  done(): Promise<unknown>;
  /** Whether a row lies there. */
  concerns(owner: string): boolean;
}

/** What is put under faults. */
export interface FaultTest {
  readonly name: string;
  /** yaml of online_store: where the store under test gets in. */
  readonly place: string;
  /** yaml for the look at what is left in the end. */
  readonly behind?: string;
  readonly tenants?: readonly string[];
  readonly faults: readonly Fault[];
}

/** Puts a mixed load on the servers, injects every fault in the seed's order, and judges the history of it all. */
export async function runFaults({
  name,
  place,
  behind = place,
  tenants = TENANTS,
  faults,
}: FaultTest): Promise<Verdict> {
  const random = seededRandom(testSeed());
  const definitions = faultDefinitions(place, tenants);
  const reading = new Reading(definitions);
  const history = new History();
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  const store = await openOnlineStore(definitions, { clock: historyClock });
  let load: MixedLoad | undefined;
  try {
    load = startMixedLoad({ store, reading, tenants, history, seed: random.integer(0, 2 ** 30) });
    await load.progress(5);
    for (const fault of random.shuffle(faults)) await undergo(fault, load, history);
    await load.stop();
    // Without a look at the circuit: what is left is the servers' to say, not this store's.
    const left = await rowsLeft(faultDefinitions(behind, tenants), tenants, load, history);
    const verdict = history.judge(left);
    const { counts, overdue } = load;
    console.log(
      `${name}: ${faults.length} faults; ${counts.answered} calls answered, ${counts.degraded} from memory, ${counts.failed} failed; ` +
        `${verdict.acknowledged} rows acknowledged, ${verdict.inDoubt} of them in times of doubt, ${verdict.lost} lost`,
    );
    expect(verdict.broken.slice(0, 10)).toEqual([]);
    expect(overdue).toEqual([]);
    expect(unhandled).toEqual([]);
    // The memory of what was read answered, too: otherwise its answers were never judged.
    if (faults.some(({ fails }) => fails)) expect(counts.degraded).toBeGreaterThan(0);
    return verdict;
  } finally {
    await load?.stop().catch(() => {});
    await store.close();
    process.off("unhandledRejection", note);
  }
}

/** Names of which one starts another. */
const TENANTS = ["default", "acme", "acme:1"];

async function undergo({ inject, heal, fails, takeover }: Fault, load: MixedLoad, history: History): Promise<void> {
  await inject();
  const from = takeover?.reached() ?? 0;
  await (fails ? load.failing(10) : load.progress(3));
  if (takeover !== undefined) {
    await takeover.done();
    // All workers have left the old primary before it comes back.
    await load.progress(1);
    history.doubt({ from, until: historyClock.now(), concerns: takeover.concerns });
  }
  await heal();
  await load.progress(5);
}

/** The version of every row in the end, by reads of a store of its own; and a look at who else's rows a tenant has. */
async function rowsLeft(
  definitions: Definitions,
  tenants: readonly string[],
  load: MixedLoad,
  history: History,
): Promise<ReadonlyMap<string, number | undefined>> {
  await using store = await openOnlineStore(definitions, { clock: historyClock });
  const reading = new Reading(definitions);
  const left = new Map<string, number | undefined>();
  for (const tenant of tenants) {
    const all = [...Array.from({ length: CONTESTED }, (_, id) => id + 1), ...(load.written.get(tenant) ?? [])];
    for (let at = 0; at < all.length; at += 500) {
      const ids = all.slice(at, at + 500);
      const startedAt = historyClock.now();
      const batch = await store.read(reading.plan, reading.keys(ids), patient(tenant), { allowStale: true });
      noteAnswer(history, {
        tenant,
        ids,
        options: { allowStale: true },
        batch,
        startedAt,
        endedAt: historyClock.now(),
      });
      for (const [row, id] of ids.entries()) {
        for (const [view, name] of VIEWS.entries()) left.set(ownerOf(tenant, name, id), batch.eventTime(row, view));
      }
    }
    for await (const { view, entityKey, row } of store.scan({ tenant }, patient(tenant))) {
      const owner = ownerOf(tenant, view, Number(entityKey));
      if (row === undefined || (row.values !== undefined && row.values[0] !== owner))
        history.broke(`${owner} holds ${row?.values}`);
    }
  }
  return left;
}

/** A call that a slow machine does not fail. */
function patient(tenant: string) {
  return { tenant, deadline: performance.now() + 30_000 };
}
