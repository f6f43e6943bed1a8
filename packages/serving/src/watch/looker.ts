/**
 * Looks at something at fixed times, one look after the other. Looking works on network file systems and where a folder's link is swapped, as
 * Kubernetes does with secrets and volumes; being told of changes does not.
 */
export class Looker {
  readonly #look: () => Promise<void>;
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> | undefined;

  /** `look` tells of its failures itself, and does not throw. */
  constructor(look: () => Promise<void>, everyMs: number) {
    this.#look = look;
    this.#timer = setInterval(() => this.#start(), everyMs);
  }

  /** Ends the looks; resolves when the last one has ended. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  #start(): void {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
  }
}
