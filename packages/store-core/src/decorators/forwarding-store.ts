import type { FeatureRow, FeatureView } from "@larder/schema";
import type { Call } from "../call.ts";
import type {
  OnlineStore,
  ReadOptions,
  ResetOptions,
  ResetScope,
  ScannedFeatureRow,
  WriteResult,
} from "../online-store.ts";
import type { FeatureBatch } from "../plan/feature-batch.ts";
import type { EntityKeys, ReadPlan } from "../plan/read-plan.ts";
import type { MetaScope, MetaValue } from "../row-store.ts";
import type { SignalScope, Subscription } from "../signals/signals.ts";

/** An online store that hands every call to another: what a decorator starts from. */
export class ForwardingStore implements OnlineStore {
  protected readonly inner: OnlineStore;

  constructor(inner: OnlineStore) {
    this.inner = inner;
  }

  get capabilities() {
    return this.inner.capabilities;
  }

  read(plan: ReadPlan, keys: EntityKeys, call: Call, options?: ReadOptions): Promise<FeatureBatch> {
    return this.inner.read(plan, keys, call, options);
  }

  write(view: FeatureView, rows: readonly FeatureRow[], call: Call): Promise<WriteResult> {
    return this.inner.write(view, rows, call);
  }

  reset(scope: ResetScope, call: Call, options?: ResetOptions): Promise<number> {
    return this.inner.reset(scope, call, options);
  }

  scan(scope: ResetScope, call: Call): AsyncIterable<ScannedFeatureRow> {
    return this.inner.scan(scope, call);
  }

  getMeta(scope: MetaScope, name: string, call: Call): Promise<MetaValue | undefined> {
    return this.inner.getMeta(scope, name, call);
  }

  putMeta(
    scope: MetaScope,
    name: string,
    bytes: Uint8Array,
    expected: string | undefined,
    call: Call,
  ): Promise<string | undefined> {
    return this.inner.putMeta(scope, name, bytes, expected, call);
  }

  deleteMeta(scope: MetaScope, name: string, call: Call): Promise<void> {
    return this.inner.deleteMeta(scope, name, call);
  }

  subscribe(scope: SignalScope, call: Call): Subscription {
    return this.inner.subscribe(scope, call);
  }

  ping(call: Call): Promise<void> {
    return this.inner.ping(call);
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
