/** Appends records, for the dead letters. A port: each client has its own. */
export interface RecordSink extends AsyncDisposable {
  /**
   * Appends in order per partition; resolves when all in-sync replicas have the records. A failed call may have appended some of them.
   * @throws STREAM_MISCONFIGURED for an unknown topic, missing rights or a record larger than the topic takes; STREAM_UNAVAILABLE; STREAM_CLOSED
   */
  send(topic: string, records: readonly OutgoingRecord[]): Promise<void>;
  /** Ends every connection and timer. Safe to call twice. */
  close(): Promise<void>;
}

/** A record to append. */
export interface OutgoingRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: ReadonlyMap<string, Uint8Array>;
  /** Milliseconds of the epoch. Default: now, as the client's clock has it. */
  readonly timestamp?: number;
  /** Default: by the key. */
  readonly partition?: number;
}
