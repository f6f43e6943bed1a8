import type { StreamConfig } from "@larder/schema";
import type { EventSource } from "./event-source.ts";
import type { RecordSink } from "./record-sink.ts";
import type { StreamAdmin } from "./stream-admin.ts";

/** The source of the topics, by the client that the configuration names. @throws MISSING_DEPENDENCY, CONFIG_UNREADABLE */
export async function openEventSource(config: StreamConfig, topics: readonly string[]): Promise<EventSource> {
  switch (config.client) {
    case "kafkajs":
      return (await import("./kafkajs/kafkajs-source.ts")).openKafkajsSource(config, topics);
    case "platformatic":
      return (await import("./platformatic/platformatic-source.ts")).openPlatformaticSource(config, topics);
  }
}

/** Where records are appended. @throws MISSING_DEPENDENCY, CONFIG_UNREADABLE */
export async function openRecordSink(config: StreamConfig): Promise<RecordSink> {
  switch (config.client) {
    case "kafkajs":
      return (await import("./kafkajs/kafkajs-sink.ts")).openKafkajsSink(config);
    case "platformatic":
      return (await import("./platformatic/platformatic-sink.ts")).openPlatformaticSink(config);
  }
}

/** What lag and `--from` ask. @throws MISSING_DEPENDENCY, CONFIG_UNREADABLE */
export async function openStreamAdmin(config: StreamConfig): Promise<StreamAdmin> {
  switch (config.client) {
    case "kafkajs":
      return (await import("./kafkajs/kafkajs-admin.ts")).openKafkajsAdmin(config);
    case "platformatic":
      return (await import("./platformatic/platformatic-admin.ts")).openPlatformaticAdmin(config);
  }
}
