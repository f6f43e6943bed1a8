import { defineVerb } from "../verb.ts";

/** `larder serve`: features and predictions over HTTP until a signal comes. */
export const serveVerb = defineVerb<{ readonly host?: string; readonly port?: string }>({
  usage: "serve",
  summary: "serve features and predictions over HTTP",
  description: `Prints one line with its address on stdout when it is ready for requests (an object with url with --json); logs are JSON lines on
stderr. SIGTERM or Ctrl-C: reports not ready, finishes the requests under way, closes and exits 0. A second signal exits at once.

Off loopback (another --host than 127.0.0.1, ::1 or localhost) the yaml must say whom to answer, with server.auth: API keys (larder keys), tokens, or none.`,
  examples: ["serve", "serve --host 0.0.0.0 --port 8080", "serve --tenant acme --port 0 --json"],
  tenant: "requests",
  options: (command) =>
    command
      .option("--host <address>", "address to listen on (default: server.host of the yaml, else 127.0.0.1)")
      .option("--port <number>", "port, 0 for a free one (default: server.port of the yaml, else 6566)"),
  async run({ file, options, terminal, signal }) {
    const { serve } = await import("../../serve.ts");
    await serve({
      file,
      tenant: options.tenant,
      env: terminal.env,
      signal,
      host: options.host,
      port: options.port,
      onListening: (url) => terminal.out(options.json ? `${JSON.stringify({ url })}\n` : `Larder serves at ${url}\n`),
    });
    return undefined;
  },
});
