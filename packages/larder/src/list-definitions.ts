import { type Definitions, formatDuration } from "@larder/schema";

/** One definition of the file. */
export interface ListedDefinition {
  readonly kind: "entity" | "feature_view" | "feature" | "feature_service" | "model" | "tenant";
  /** `view:feature` for a feature. */
  readonly name: string;
  /** What it is made of, in words. */
  readonly detail: string;
  readonly description: string;
  readonly owner: string;
}

/** Everything that a file defines, in its order, features below their view. */
export function listDefinitions(definitions: Definitions): readonly ListedDefinition[] {
  const listed: ListedDefinition[] = [];
  const keys = (joinKeys: readonly { readonly name: string; readonly type: string }[]) =>
    joinKeys.map(({ name, type }) => `${name} ${type}`).join(", ") || "none";
  for (const entity of definitions.entities.values()) {
    listed.push({ ...words(entity), kind: "entity", name: entity.name, detail: `join keys ${keys(entity.joinKeys)}` });
  }
  for (const view of definitions.views.values()) {
    const { onlineTtl, source, stream, freshness } = view;
    const detail = [
      `join keys ${keys(view.joinKeys)}`,
      `online TTL ${onlineTtl === undefined ? "none" : formatDuration(onlineTtl)}`,
      ...(source === undefined ? [] : [`source ${source.path}`]),
      ...(stream === undefined ? [] : [`stream ${stream.topicNames.join(", ")}`]),
      ...(freshness === undefined ? [] : [`freshness ${formatDuration(freshness)}`]),
    ];
    listed.push({ ...words(view), kind: "feature_view", name: view.name, detail: detail.join("; ") });
    for (const feature of view.features) {
      listed.push({ ...words(feature), kind: "feature", name: `${view.name}:${feature.name}`, detail: feature.type });
    }
  }
  for (const service of definitions.services.values()) {
    const detail = service.features.map(({ viewName, feature }) => `${viewName}:${feature.name}`).join(", ");
    listed.push({ ...words(service), kind: "feature_service", name: service.name, detail });
  }
  for (const model of definitions.models.values()) {
    const detail = `service ${model.featureService.name}; prediction ${model.predictions.map((each) => each.name).join(", ")}`;
    listed.push({ ...words(model), kind: "model", name: model.name, detail });
  }
  for (const { name, ttl } of definitions.tenants.values()) {
    const detail = [...ttl].map(([view, limit]) => `online TTL of ${view} ${formatDuration(limit)}`).join("; ");
    listed.push({ kind: "tenant", name, detail, description: "", owner: "" });
  }
  return listed;
}

function words({ description, owner }: { readonly description: string; readonly owner: string }) {
  return { description, owner };
}
