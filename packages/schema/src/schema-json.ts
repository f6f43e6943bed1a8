import { FeatureStoreFile } from "./definition-schema.ts";

/** The text of `feature_store.schema.json`: what editors complete and check a `feature_store.yaml` with. */
export function schemaJson(): string {
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "feature_store.yaml",
    description:
      "Larder's definitions: entities, feature views, services, models, tenants, and where they are stored and served.",
    ...FeatureStoreFile,
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
