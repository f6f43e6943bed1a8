import type { FeatureStoreFile } from "../definition-schema.ts";
import type { SyncConfig } from "../definitions.ts";
import { bytes } from "../size.ts";

/** How the file wants its streams to be read. */
export function compileSync({ max_in_flight, poison }: NonNullable<FeatureStoreFile["stream"]>): SyncConfig {
  return {
    maxInFlight: { records: max_in_flight.records, bytes: bytes(max_in_flight.bytes) },
    poison: { topic: poison.topic, maxShare: poison.max_share, window: poison.window },
  };
}
