import { resolve } from "node:path";
import type { FeatureStoreFile } from "../definition-schema.ts";
import type { SchemaRegistryConfig } from "../definitions.ts";

type FileRegistry = NonNullable<FeatureStoreFile["stream"]>["schema_registry"];

/** Where schemas are asked for; a relative path counts from `folder`. */
export function compileSchemaRegistry(registry: FileRegistry, folder: string): SchemaRegistryConfig | undefined {
  if (registry === undefined) return undefined;
  return {
    url: registry.url.replace(/\/+$/, ""),
    username: registry.username,
    password: registry.password,
    ca: registry.ca === undefined ? undefined : resolve(folder, registry.ca),
  };
}
