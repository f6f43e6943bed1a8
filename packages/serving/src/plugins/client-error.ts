import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { type ErrorCode, LarderError } from "@larder/schema";
import type { ServingMetrics } from "../metrics/serving-metrics.ts";
import { errorAnswer } from "./error-body.ts";

/**
 * Answers what never became a request: headers too large (431) or too slow (408), and bytes that are no HTTP (400). The connection ends with
 * it. Which route was meant is unknown, so the body follows RFC 9457.
 */
export function clientErrorHandler(
  metrics: ServingMetrics,
): (error: Error & { code?: string }, socket: Socket) => void {
  return (error, socket) => {
    // A connection that was lost, or a handshake that failed or took too long: there is nobody to answer, and nothing to answer through.
    if (!socket.writable || !/^(?:HPE|ERR_HTTP)_/.test(error.code ?? "")) {
      socket.destroy();
      return;
    }
    const answer = errorAnswer(toLarderError(error), "problem", randomUUID());
    metrics.countError(toLarderError(error).code);
    const head = [
      `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}`,
      `content-type: ${answer.contentType}`,
      `content-length: ${Buffer.byteLength(answer.body)}`,
      "connection: close",
    ];
    socket.end(`${head.join("\r\n")}\r\n\r\n${answer.body}`);
  };
}

function toLarderError(cause: Error & { code?: string }): LarderError {
  switch (cause.code) {
    case "HPE_HEADER_OVERFLOW":
      return clientError(
        "HEADERS_TOO_LARGE",
        "The headers are larger than server.header_limit",
        "Send fewer headers",
        cause,
      );
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return clientError("REQUEST_TIMEOUT", "The request did not arrive in time", "Send it without pauses", cause);
    default:
      return clientError("MALFORMED_REQUEST", "The bytes are not an HTTP/1.1 request", "Use an HTTP client", cause);
  }
}

function clientError(code: ErrorCode, what: string, remedy: string, cause: Error): LarderError {
  return new LarderError(code, { what, remedy, cause });
}
