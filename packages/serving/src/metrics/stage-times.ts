/** The stages of a read, in the order of the work. */
export const STAGES = ["queue", "store", "decode", "model", "encode"] as const;

/** Milliseconds of each stage; together they are the request's time until its answer is sent. A stage that a request has not is undefined. */
export interface StageTimes {
  /** From the request's header to the question to the store: its place in the event loop, its body, who asks, and what is asked. */
  readonly queue: number;
  /** The store's answer; tensors that a caller brings ask for none. */
  readonly store: number | undefined;
  /** Rows into tensors. A read of features has no such stage: rows become text as they are decoded. */
  readonly decode: number | undefined;
  /** The model, and the wait for it. */
  readonly model: number | undefined;
  /** The answer's text. */
  readonly encode: number;
}
