import { LarderError } from "@larder/schema";
import { defineVerb } from "../verb.ts";

/** `larder serve`: features and predictions over HTTP until a signal comes. */
export const serveVerb = defineVerb<{ readonly host?: string; readonly port?: string; readonly workers?: string }>({
  usage: "serve",
  summary: "serve features and predictions over HTTP",
  description: `Prints one line with its address on stdout when it is ready for requests (an object with url with --json); logs are JSON lines on
stderr. SIGTERM or Ctrl-C: reports not ready, answers requests for server.drain_delay, finishes those under way, closes and exits 0. A second signal exits
at once.

With --workers the port is shared by so many processes. SIGHUP replaces them one by one without a lost request, each with the definitions, models and
certificates as they are then; one that crashes is replaced, and a crash loop ends the command. /materialize is refused: run larder materialize.

OpenTelemetry's variables, such as OTEL_EXPORTER_OTLP_ENDPOINT, turn traces on (docs/operations.md).

Off loopback (another --host than 127.0.0.1, ::1 or localhost) the yaml must say whom to answer, with server.auth: API keys (larder keys), tokens, or none.`,
  examples: ["serve", "serve --host 0.0.0.0 --port 8080", "serve --workers 4", "serve --tenant acme --port 0 --json"],
  tenant: "requests",
  options: (command) =>
    command
      .option("--host <address>", "address to listen on (default: server.host of the yaml, else 127.0.0.1)")
      .option("--port <number>", "port, 0 for a free one (default: server.port of the yaml, else 6566)")
      .option("--workers <number>", "processes that share the port (default: this one alone)"),
  async run({ file, options, terminal, signal }) {
    const { serve } = await import("../../serve.ts");
    await serve({
      file,
      tenant: options.tenant,
      env: terminal.env,
      signal,
      host: options.host,
      port: options.port,
      workers: options.workers === undefined ? undefined : countOf(options.workers),
      onListening: (url) => terminal.out(options.json ? `${JSON.stringify({ url })}\n` : `Larder serves at ${url}\n`),
    });
    return undefined;
  },
});

/** More processes than this help on no machine of today, and are a typing error. */
const MAX_WORKERS = 256;

function countOf(text: string): number {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= MAX_WORKERS) return count;
  throw new LarderError("USAGE", {
    what: `--workers is "${text.slice(0, 20)}"`,
    remedy: `Give a number from 1 to ${MAX_WORKERS}, about as many as there are processors`,
    facts: { field: "workers" },
  });
}
