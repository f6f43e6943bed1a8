import type { LoadedModel } from "../model/load-model.ts";
import { createPredictor, type Predictor } from "../predict/predictor.ts";

/** A version of a model that a request borrows: it stays whole until it is released. */
export interface ModelLease extends Disposable {
  readonly predictor: Predictor;
  /** Gives it back; a second time does nothing. */
  release(): void;
}

/** A loaded version that counts who uses it. Once retired it is freed as soon as nobody does. */
export class ServedVersion {
  readonly predictor: Predictor;
  readonly #freed = Promise.withResolvers<void>();
  #leases = 0;
  #retired = false;

  constructor(model: LoadedModel) {
    this.predictor = createPredictor(model);
  }

  get model(): LoadedModel {
    return this.predictor.model;
  }

  lease(): ModelLease {
    this.#leases++;
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      this.#leases--;
      this.#freeIfUnused();
    };
    return { predictor: this.predictor, release, [Symbol.dispose]: release };
  }

  /** To be called when no new lease can be taken; resolves when the last one was released and the model is freed. */
  retire(): Promise<void> {
    if (!this.#retired) {
      this.#retired = true;
      this.#freeIfUnused();
    }
    return this.#freed.promise;
  }

  #freeIfUnused(): void {
    if (!this.#retired || this.#leases > 0) return;
    this.#freed.resolve(this.model.runner.close());
  }
}
