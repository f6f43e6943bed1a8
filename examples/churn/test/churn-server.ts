import { type Clock, type Definitions, loadDefinitions } from "@larder/schema";
import { buildApp, loadModels } from "@larder/serving";
import { type OnlineStore, openOnlineStore } from "@larder/store-core";

/** The server of the example inside the test's process, on a clock of the test's own. */
export interface ChurnServer extends AsyncDisposable {
  readonly definitions: Definitions;
  readonly store: OnlineStore;
  readonly url: string;
}

/** Opens store, models and server of a feature_store.yaml, as `larder serve` does. */
export async function churnServer(file: string, clock: Clock): Promise<ChurnServer> {
  const definitions = await loadDefinitions(file, { env: {} });
  await using opened = new AsyncDisposableStack();
  const store = opened.use(await openOnlineStore(definitions, { clock }));
  const models = opened.use(await loadModels(definitions));
  const app = await buildApp({ definitions, store, models, clock });
  opened.defer(() => app.close());
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const closing = opened.move();
  return { definitions, store, url, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}

/** A clock that stands still, at microseconds since the epoch. */
export function stoppedClock(now: number): Clock {
  return { now: () => now };
}

/** Posts JSON text and answers status and text. */
export async function post(url: string, body: string): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  return { status: response.status, text: await response.text() };
}
