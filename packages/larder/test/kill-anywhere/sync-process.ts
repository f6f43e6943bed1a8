import { setTimeout as wait } from "node:timers/promises";
import { type ChildHandle, startProcess, until } from "@larder/testkit";
import { LARDER } from "../project.ts";

interface StatusBody {
  readonly ready: boolean;
  readonly views: readonly { readonly view: string; readonly duplicate: number }[];
  readonly partitions: readonly { readonly position: number | null; readonly committed: number | null }[];
}

const WAIT_MS = 60_000;
/** How often a process is asked how it does. */
const ASK_MS = 40;

/** A `larder sync` that is started again whenever it ends, as a supervisor would. */
export class SyncProcess {
  /** Why it ended, each time that nobody had told it to after it had begun to read. */
  readonly crashes: string[] = [];
  readonly #folder: string;
  #past = 0;
  readonly #ending = new AbortController();
  #told = false;
  #child: ChildHandle | undefined;
  #url: string | undefined;
  #now: StatusBody | undefined;
  readonly #running: Promise<void>;

  constructor(folder: string) {
    this.#folder = folder;
    this.#running = this.#supervise();
  }

  /** Rows of `orders` that met themselves in the store, in all its lives, as it last told: what it did after that is not known. */
  get duplicates(): number {
    return this.#past + duplicatesOf(this.#now);
  }

  /** How it last said it did, and its last lines. */
  describe(): string {
    return `${JSON.stringify(this.#now)}\n${this.#child?.stderr.slice(-2_000)}`;
  }

  async isReady(): Promise<void> {
    // What one that was told to end had said last is not how its successor does.
    await until(WAIT_MS, "a sync is ready", async () => !this.#told && this.#now?.ready === true);
  }

  async kill(): Promise<void> {
    await this.isReady();
    this.#kill();
  }

  /** Kills it when it has read what it has not committed, if that happens soon. To be called while commits fail, and what was fetched is written. */
  async killUncommitted(): Promise<void> {
    const soon = performance.now() + 2_000;
    while (!this.#hasUncommitted() && performance.now() < soon) await wait(5);
    await wait(ASK_MS);
    this.#kill();
  }

  /** Halts it for so long. */
  async pause(ms: number): Promise<void> {
    await this.isReady();
    const child = this.#child;
    child?.signal("SIGSTOP");
    await wait(ms);
    child?.signal("SIGCONT");
  }

  /** Tells it to end in good order, and to begin again. */
  async restart(): Promise<void> {
    await this.isReady();
    this.#told = true;
    this.#child?.signal("SIGTERM");
  }

  /** Tells it to end for good; once. Answers what is wrong with how it ended, if anything. */
  async stop(): Promise<readonly string[]> {
    this.#ending.abort();
    this.#told = true;
    const child = this.#child;
    const end = await child?.end(20_000);
    await this.#running;
    if (end?.code === 0) return this.crashes;
    return [...this.crashes, `told to end, it ended with ${JSON.stringify(end)}: ${child?.stderr.slice(-2_000)}`];
  }

  #kill(): void {
    this.#told = true;
    this.#child?.signal("SIGKILL");
  }

  #hasUncommitted(): boolean {
    return this.#now?.partitions.some(({ position, committed }) => position !== committed) === true;
  }

  async #supervise(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      this.#told = false;
      const child = await startProcess(process.execPath, [...LARDER, "sync", "--port", "0", "--json"], {
        cwd: this.#folder,
        env: { INIT_CWD: undefined, NO_COLOR: undefined },
      });
      this.#child = child;
      await this.#watch(child);
      this.#past += duplicatesOf(this.#now);
      this.#now = undefined;
      await child.end();
    }
  }

  async #watch(child: ChildHandle): Promise<void> {
    try {
      const { url } = JSON.parse(await child.waitForLine(/^\{"url"/, WAIT_MS)) as { readonly url: string };
      this.#url = url;
    } catch {
      return; // with the store or the broker away it ends at its start
    }
    while (child.ended === undefined) {
      this.#now = await this.#ask().catch(() => this.#now);
      await wait(ASK_MS);
    }
    if (!this.#told) this.crashes.push(`${JSON.stringify(child.ended)}: ${child.stderr.slice(-1_000)}`);
  }

  async #ask(): Promise<StatusBody> {
    const response = await fetch(`${this.#url}/status`, { signal: AbortSignal.timeout(1_000) });
    return (await response.json()) as StatusBody;
  }
}

function duplicatesOf(status: StatusBody | undefined): number {
  const orders = (status?.views ?? []).filter(({ view }) => view === "orders");
  return orders.reduce((sum, { duplicate }) => sum + duplicate, 0);
}
