import { DeleteRequest, ROUTES, type WriteAnswer } from "@larder/contract";
import { decodeRows, type FeatureView, findView, LarderError } from "@larder/schema";
import type { FastifyInstance } from "fastify";
import { addRoute } from "../plugins/add-route.ts";
import { atField } from "../plugins/at-field.ts";
import { compileBodyCheck } from "../plugins/check-body.ts";
import { tenantOf } from "../plugins/tenant.ts";
import type { ServingContext } from "../serving-context.ts";
import { frameRecords } from "../write/frame-records.ts";
import { writeRows } from "../write/write-rows.ts";

const check = compileBodyCheck(DeleteRequest);

/** `POST /delete-from-online-store`: a tombstone per entity, all of one event time. */
export function registerDeleteFromOnlineStore(app: FastifyInstance, context: ServingContext): void {
  const { definitions } = context;
  addRoute(app, ROUTES.deleteFromOnlineStore, async (request): Promise<WriteAnswer> => {
    const tenant = tenantOf(context, request);
    const { feature_view_name, entities, event_timestamp } = check(request.body);
    const view = atField("feature_view_name", () => findView(definitions, feature_view_name));
    refuseUnknown(view, Object.keys(entities));
    // A view without entities has one row, which nothing needs to name.
    const records = view.joinKeys.length === 0 ? [{}] : frameRecords(entities, "entities", definitions.server.maxRows);
    const rows = decodeRows(
      view,
      records.map((record) => ({ ...record, event_timestamp })),
      { tombstone: true },
    );
    return { views: await writeRows(context, tenant, [{ view, rows }]), ignored_columns: [] };
  });
}

/** A column that is no join key hints at a misunderstanding of what would be deleted. */
function refuseUnknown(view: FeatureView, columns: readonly string[]): void {
  const unknown = columns.find((column) => !view.joinKeys.some(({ name }) => name === column));
  if (unknown === undefined) return;
  throw new LarderError("INVALID_REQUEST", {
    what: `"${unknown.slice(0, 100)}" is no join key of feature view "${view.name}"`,
    remedy: `Give only ${view.joinKeys.map(({ name }) => name).join(", ")}`,
    facts: { field: `entities.${unknown.slice(0, 100)}` },
  });
}
