/** A small valid file, which bad ones are made of by replacing one line. */
export const SHOP = `project: shop
online_store: { type: memory }
stream: { type: kafka, brokers: ["localhost:9092"] }
entities:
  - { name: customer, join_keys: [{ name: customer_id, type: int64 }] }
  - { name: region, join_keys: [{ name: country, type: string }, { name: city, type: string }] }
feature_views:
  - name: profile
    entity: customer
    ttl: 30d
    features:
      - { name: age, type: int32, default: 0 }
      - { name: plan, type: string }
    source: { path: profile/*.parquet }
  - name: orders
    entities: [customer, region]
    features: [{ name: count, type: int64 }, { name: amounts, type: list<float64> }]
    stream: { topic: orders }
  - { name: twin, entities: [ customer ], features: [{ type: float32, name: age }] }
  - { name: a, entities: [ region ], features: [{ type: float64, name: b__age }] }
  - { name: a__b, entities: [ region ], features: [{ type: float64, name: age }] }
  - { name: by_city, entities: [ region ], features: [{ type: float32, "name": customer_id }] }
feature_services:
  - { name: shop_v1, features: ["profile:age", "profile:plan", { view: orders, features: [count] }] }
models:
  - name: churn
    path: churn.onnx
    feature_service: shop_v1
    inputs: { age_in: "profile:age" }
    prediction: { output: probabilities, index: 1 }
tenants:
  default: {}
  acme: { ttl: { profile: 7d } }
`;

/** {@link SHOP} with one text in it replaced; the text must be there exactly once. */
export function shopWith(text: string, replacement: string): string {
  const parts = SHOP.split(text);
  if (parts.length !== 2) throw new Error(`"${text}" is ${parts.length - 1} times in the file`);
  return parts.join(replacement);
}
