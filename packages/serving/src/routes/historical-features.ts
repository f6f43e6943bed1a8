import type { Readable } from "node:stream";
import { ARROW_STREAM_MEDIA_TYPE, PARQUET_MEDIA_TYPE, ROUTES } from "@larder/contract";
import { LarderError } from "@larder/schema";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { answerStream } from "../historical/answer-stream.ts";
import type { HistoricalFunction } from "../historical/historical-function.ts";
import { HistoricalJoins, type JoinPlace } from "../historical/historical-joins.ts";
import { readParquetBody } from "../historical/parquet-body.ts";
import { readHistorical } from "../historical/read-historical.ts";
import { addRoute } from "../plugins/add-route.ts";
import { toLarderError } from "../plugins/errors.ts";
import { requestLog } from "../plugins/request-id.ts";
import { tenantOf } from "../plugins/tenant.ts";
import type { ServingContext } from "../serving-context.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Room for its join; null for every other request. */
    joinPlace: JoinPlace | null;
  }
}

/** `POST /historical-features`: entity rows, joined with features as of their times, as an Arrow IPC stream. */
export async function registerHistoricalFeatures(
  app: FastifyInstance,
  context: ServingContext,
  historical: HistoricalFunction | undefined,
): Promise<void> {
  const { maxJoins, bodyLimitBytes } = context.definitions.server.historical;
  const joins = new HistoricalJoins(maxJoins);
  context.metrics.watchJoins(() => joins.underWay);
  app.decorateRequest("joinPlace", null);
  await app.register((scope, _options, registered) => {
    scope.addHook("preParsing", async (request, reply) => {
      // Without a contract: another method, which is refused.
      if (request.routeOptions.config.contract === undefined) return;
      const place = joins.enter();
      request.joinPlace = place;
      // Who never gets to a join, such as a body that can't be read, leaves with its answer; a join when it has ended.
      reply.raw.once("close", () => request.joinPlace !== null && void place.leave());
    });
    scope.addContentTypeParser(PARQUET_MEDIA_TYPE, (request: FastifyRequest, body: Readable) =>
      readParquetBody(body, bodyLimitBytes, placeOf(request)),
    );
    addRoute(scope, ROUTES.historicalFeatures, (request, reply) =>
      answer(context, historical ?? refuseAll, request, reply),
    );
    registered();
  });
  app.addHook("preClose", async () => joins.abort());
  app.addHook("onClose", () => joins.ended());
}

async function answer(
  context: ServingContext,
  historical: HistoricalFunction,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { definitions, metrics } = context;
  const tenant = tenantOf(context, request);
  const wanted = readHistorical(definitions, tenant, request.body, request.query);
  const place = placeOf(request);
  request.joinPlace = null;
  const gone = new AbortController();
  const onClose = (): void => gone.abort();
  reply.raw.once("close", onClose);
  if (reply.raw.destroyed) onClose();
  const stop = new AbortController();
  const stream = await answerStream(historical({ ...wanted, signal: stop.signal }), {
    stop,
    cancelled: AbortSignal.any([place.closing, gone.signal]),
    deadlineMs: definitions.server.historical.deadlineMs,
    onEnd: async (end, error) => {
      reply.raw.off("close", onClose);
      metrics.countJoin(tenant, end);
      if (error !== undefined && end === "failed") {
        const { code, what, facts } = toLarderError(error);
        metrics.countError(code);
        requestLog(request).error({ err: error, code, facts }, `An answer ended before its end: ${what}`);
      }
      await place.leave();
    },
  });
  return reply.header("content-type", ARROW_STREAM_MEDIA_TYPE).send(stream);
}

function placeOf({ joinPlace }: FastifyRequest): JoinPlace {
  if (joinPlace !== null) return joinPlace;
  throw new LarderError("INTERNAL", {
    what: "A join has no place",
    remedy: "Report it with this log line",
  });
}

function refuseAll(): never {
  throw new LarderError("UNSUPPORTED", {
    what: "This server was made without a way to join",
    remedy: "Run `larder training-set`, or serve with `larder serve`",
  });
}
