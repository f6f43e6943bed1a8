import { resolve } from "node:path";
import type { FeatureStoreFile } from "../definition-schema.ts";
import type { StreamSource } from "../definitions.ts";
import { readRecordField } from "../record-field.ts";
import { bytes } from "../size.ts";

type FileStream = NonNullable<FeatureStoreFile["feature_views"][number]["stream"]>;

/** Stands for a tenant's name in the name of a topic. */
export const TENANT = "{tenant}";

/** A view's stream, with a topic for every tenant where the file says so. */
export function compileStream(
  stream: FileStream,
  place: string,
  { tenants, folder }: { readonly tenants: readonly string[]; readonly folder: string },
): StreamSource {
  const topicNames = stream.topics ?? (stream.topic === undefined ? [] : [stream.topic]);
  const topics: string[] = [];
  const tenantOfTopic = new Map<string, string>();
  for (const name of topicNames) {
    if (!name.includes(TENANT)) topics.push(name);
    else {
      for (const tenant of tenants) {
        const topic = name.replaceAll(TENANT, tenant);
        topics.push(topic);
        tenantOfTopic.set(topic, tenant);
      }
    }
  }
  return {
    topicNames,
    topics,
    tenantOfTopic,
    format: stream.format,
    descriptorSet: stream.descriptor_set === undefined ? undefined : resolve(folder, stream.descriptor_set),
    message: stream.message,
    eventTime: readRecordField(stream.event_time),
    createdTime: stream.created_time === undefined ? undefined : readRecordField(stream.created_time),
    joinKeysFrom: stream.join_keys_from,
    tenantField: stream.tenant_field === undefined ? undefined : readRecordField(stream.tenant_field),
    fieldMapping: new Map(Object.entries(stream.field_mapping)),
    recordLimit: bytes(stream.record_limit),
    place,
  };
}
