import { PushRequest, ROUTES, type WriteAnswer } from "@larder/contract";
import { decodeRows, findPushSource, LarderError } from "@larder/schema";
import type { FastifyInstance } from "fastify";
import { addRoute } from "../plugins/add-route.ts";
import { atField } from "../plugins/at-field.ts";
import { compileBodyCheck } from "../plugins/check-body.ts";
import { tenantOf } from "../plugins/tenant.ts";
import type { ServingContext } from "../serving-context.ts";
import { frameRecords } from "../write/frame-records.ts";
import { decodeForViews, ignoredColumns, writeRows } from "../write/write-rows.ts";

const check = compileBodyCheck(PushRequest);

/** `POST /push`: rows for every view of a push source, online only. */
export function registerPush(app: FastifyInstance, context: ServingContext): void {
  const { definitions } = context;
  addRoute(app, ROUTES.push, async (request): Promise<WriteAnswer> => {
    const tenant = tenantOf(context, request);
    const { push_source_name, df, to } = check(request.body);
    const sources = atField("push_source_name", () => findPushSource(definitions, push_source_name));
    if (to !== undefined && to !== "online") throw onlineOnly(to);
    const records = frameRecords(df, "df", definitions.server.maxRows);
    const writes = decodeForViews(sources, (view) => decodeRows(view, records));
    const views = await writeRows(context, tenant, writes);
    return { views, ignored_columns: ignoredColumns(sources, Object.keys(df)) };
  });
}

function onlineOnly(to: string): LarderError {
  return new LarderError("INVALID_REQUEST", {
    what: `"to" is "${to}", and the server writes to the online store only`,
    remedy: 'Leave "to" out or say "online"; write history to the offline store\'s Parquet files',
    facts: { field: "to" },
  });
}
