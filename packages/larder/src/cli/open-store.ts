import { type Clock, type Definitions, findTenant, loadDefinitions, systemClock } from "@larder/schema";
import type { OnlineStore } from "@larder/store-core";
import type { CommonOptions, VerbContext } from "./verb.ts";

/** What most verbs work with; closes with `await using`. */
export interface OpenedStore extends AsyncDisposable {
  readonly definitions: Definitions;
  readonly store: OnlineStore;
  readonly clock: Clock;
}

/** Loads the definitions, checks the tenant and opens the online store that they name. */
export async function openStore(
  context: Pick<VerbContext<object>, "file" | "terminal"> & {
    readonly options: Partial<Pick<CommonOptions, "tenant">>;
  },
): Promise<OpenedStore> {
  const definitions = await loadDefinitions(context.file, { env: context.terminal.env });
  if (context.options.tenant !== undefined) findTenant(definitions, context.options.tenant);
  const { openOnlineStore } = await import("@larder/store-core");
  const store = await openOnlineStore(definitions, { clock: systemClock });
  return { definitions, store, clock: systemClock, [Symbol.asyncDispose]: () => store.close() };
}
