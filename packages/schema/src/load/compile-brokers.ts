import { resolve } from "node:path";
import type { FeatureStoreFile } from "../definition-schema.ts";
import type { StreamConfig } from "../definitions.ts";
import { micros } from "./compile-view.ts";

/** Where streams are read from; relative paths count from `folder`. */
export function compileBrokers(stream: NonNullable<FeatureStoreFile["stream"]>, folder: string): StreamConfig {
  const { sasl, tls } = stream;
  const path = (name: string | undefined) => (name === undefined ? undefined : resolve(folder, name));
  return {
    brokers: stream.brokers,
    groupId: stream.group_id,
    client: stream.client,
    clientId: stream.client_id,
    sessionTimeoutMs: micros(stream.session_timeout) / 1000,
    rebalanceTimeoutMs: micros(stream.rebalance_timeout) / 1000,
    requestTimeoutMs: micros(stream.request_timeout) / 1000,
    sasl: sasl && { mechanism: sasl.mechanism, username: sasl.username, password: sasl.password },
    tls: tls === undefined ? undefined : { ca: path(tls.ca), cert: path(tls.cert), key: path(tls.key) },
  };
}
