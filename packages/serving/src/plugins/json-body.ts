import { decodeUtf8, LarderError, parseJson } from "@larder/schema";
import type { FastifyInstance } from "fastify";

/**
 * Parses bodies with Larder's own parser: strict UTF-8, bounded depth, int64 kept exact, duplicate and prototype keys refused. Fastify's would
 * round a long integer and accept any bytes.
 */
export function registerJsonBody(app: FastifyInstance, limits: { readonly jsonDepth: number }): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>("application/json", { parseAs: "buffer" }, (_request, body, done) => {
    let parsed: unknown;
    try {
      if (body.length === 0) throw emptyBody();
      parsed = parseJson(decodeUtf8(body), { maxDepth: limits.jsonDepth });
    } catch (error) {
      done(error as Error);
      return;
    }
    done(null, parsed);
  });
}

/** A body that is not there. */
export function emptyBody(): LarderError {
  return new LarderError("MALFORMED_REQUEST", {
    what: "The request has no body",
    remedy: "Send a JSON object with the header `content-type: application/json`",
    facts: { field: "body" },
  });
}
