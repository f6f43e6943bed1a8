import { type Definitions, parseDefinitions } from "@larder/schema";

/** Definitions for a test: `views` is the yaml list under feature_views. */
export function definitionsOf(views: string, rest = ""): Definitions {
  const text = `project: test
online_store: { type: memory }
entities:
  - { name: customer, join_keys: [{ name: customer_id, type: int64 }] }
  - { name: shop, join_keys: [{ name: shop_id, type: string }] }
feature_views:
${views}
tenants:
  default: {}
  acme: {}
${rest}`;
  return parseDefinitions(text, { file: "feature_store.yaml", env: {} });
}
