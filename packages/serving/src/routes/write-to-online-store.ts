import { ROUTES, type WriteAnswer, WriteRequest } from "@larder/contract";
import { decodeRows, findView } from "@larder/schema";
import type { FastifyInstance } from "fastify";
import { addRoute } from "../plugins/add-route.ts";
import { atField } from "../plugins/at-field.ts";
import { compileBodyCheck } from "../plugins/check-body.ts";
import { tenantOf } from "../plugins/tenant.ts";
import type { ServingContext } from "../serving-context.ts";
import { frameRecords } from "../write/frame-records.ts";
import { ignoredColumns, writeRows } from "../write/write-rows.ts";

const check = compileBodyCheck(WriteRequest);

/** `POST /write-to-online-store`: rows for one view. */
export function registerWriteToOnlineStore(app: FastifyInstance, context: ServingContext): void {
  const { definitions } = context;
  addRoute(app, ROUTES.writeToOnlineStore, async (request): Promise<WriteAnswer> => {
    const tenant = tenantOf(context, request);
    const { feature_view_name, df } = check(request.body);
    const view = atField("feature_view_name", () => findView(definitions, feature_view_name));
    const rows = decodeRows(view, frameRecords(df, "df", definitions.server.maxRows));
    const views = await writeRows(context, tenant, [{ view, rows }]);
    return { views, ignored_columns: ignoredColumns([view], Object.keys(df)) };
  });
}
