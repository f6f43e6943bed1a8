import { defineVerb } from "../verb.ts";

/** `larder sync`: Kafka into the online store until a signal comes. */
export const syncVerb = defineVerb<{ readonly host?: string; readonly port?: string }>({
  usage: "sync",
  summary: "copy the topics that feature views name into the online store",
  description: `Reads the topics of every view with a stream as one member of the consumer group stream.group_id: run as many processes as you like. Each
record becomes rows; of a batch the newest row of each entity is written, if it is newer than what is stored; then the record's offset is committed. So a
process may be killed anywhere and started again. Records that cannot be used go to the dead-letter topic, which has to exist.

Prints one line with the address of its probes (/livez, /readyz) and of /metrics and /status when it begins to read; logs are JSON lines on stderr. While
the store or the brokers are away it holds offsets and tries again. SIGTERM or Ctrl-C: finishes and commits what is under way and exits 0. It exits 1 with
STREAM_POISONED when more of the last records cannot be used than stream.poison allows.`,
  examples: ["sync", "sync --host 0.0.0.0 --port 8081", "sync --port 0 --json"],
  tenant: "unset",
  options: (command) =>
    command
      .option("--host <address>", "address of probes and metrics (default: server.host of the yaml, else 127.0.0.1)")
      .option("--port <number>", "port of probes and metrics, 0 for a free one (default: 6567)"),
  async run({ file, options, terminal, signal }) {
    const { sync } = await import("../../sync.ts");
    await sync({
      file,
      env: terminal.env,
      signal,
      host: options.host,
      port: options.port,
      onListening: (url) => terminal.out(options.json ? `${JSON.stringify({ url })}\n` : `Larder syncs; see ${url}\n`),
    });
    return undefined;
  },
});
