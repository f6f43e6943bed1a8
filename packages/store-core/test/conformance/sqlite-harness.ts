import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TemporaryFolder, temporaryFolder } from "@larder/testkit";
import type { ConformanceHarness } from "../../conformance/index.ts";
import { createPackedOnlineStore } from "../../src/packed-online-store.ts";
import type { RowStore } from "../../src/row-store.ts";
import { openSqliteRowStore } from "../../src/stores/sqlite/sqlite-row-store.ts";
import { handleOf } from "./handle.ts";

/**
 * One file, emptied between tests. Starting a store's thread takes most of a test's time, so stores that a test leaves open are used again; a
 * test that closes its store really closes it.
 */
export function sqliteHarness(): ConformanceHarness & AsyncDisposable {
  let place: Place | undefined;
  return {
    name: "sqlite",
    capabilities: { createdTime: true, tenants: true, durable: true, signals: false },
    hasRowStore: true,
    async create() {
      const current = place ?? (await Place.make());
      place = current;
      return {
        async open(definitions, clock) {
          return createPackedOnlineStore({ definitions, rowStore: await current.open(), clock });
        },
        openRows: () => current.open(),
        async overwrite({ project, tenant, view, entityKey }, bytes) {
          const where = "project = ? AND tenant = ? AND view = ? AND entity_key = ?";
          const key = [project, tenant, view, entityKey];
          current.behind((db) => db.prepare(`UPDATE rows SET bytes = ? WHERE ${where}`).run(bytes, ...key));
        },
        async fail() {
          current.behind((db) => db.exec("DROP TABLE rows"));
          current.broken = true;
        },
        async remove() {
          if (!(await current.reuse())) place = undefined;
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await place?.end();
    },
  };
}

class Place {
  broken = false;
  readonly #folder: TemporaryFolder;
  readonly #path: string;
  #used: RowStore[] = [];
  #idle: RowStore[] = [];

  constructor(folder: TemporaryFolder) {
    this.#folder = folder;
    this.#path = join(folder.path, "online.db");
  }

  static async make(): Promise<Place> {
    return new Place(await temporaryFolder());
  }

  async open(): Promise<RowStore> {
    const config = { type: "sqlite", path: this.#path, readDeadlineMs: 5_000, writeDeadlineMs: 5_000 } as const;
    const rows = this.#idle.pop() ?? (await openSqliteRowStore(config));
    this.#used.push(rows);
    return handleOf(rows, {
      close: async () => {
        this.#used = this.#used.filter((one) => one !== rows);
        await rows.close();
      },
    });
  }

  behind(run: (db: DatabaseSync) => void): void {
    const db = new DatabaseSync(this.#path, { timeout: 5_000 });
    run(db);
    db.close();
  }

  /** Gets the place ready for the next test; false when it cannot be. */
  async reuse(): Promise<boolean> {
    const open = this.#used;
    this.#used = [];
    this.#idle.push(...open);
    if (this.broken) {
      await this.end();
      return false;
    }
    // Writes that were given up may still be under way: they are done before this one is.
    for (const rows of open) await rows.deleteMeta({ project: "" }, "", { tenant: "default" });
    for (const rows of this.#idle.splice(3)) await rows.close();
    this.behind((db) => db.exec("DELETE FROM rows; DELETE FROM meta"));
    return true;
  }

  async end(): Promise<void> {
    for (const rows of this.#idle) await rows.close();
    await this.#folder.remove();
  }
}
