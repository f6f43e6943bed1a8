import { setTimeout as wait } from "node:timers/promises";
import { defineVerb } from "../verb.ts";

interface Options {
  readonly url: string;
  readonly watch?: boolean;
  readonly every: string;
}

/** `larder sync status`: how far and how late the sync is. */
export const syncStatusVerb = defineVerb<Options>({
  usage: "status",
  summary: "show per view and tenant how late larder sync is, and how many records it has before it",
  description: `Asks a running \`larder sync\` for its /status: rows by what became of them, the age of the newest row and of the oldest event that waits, how long
rows took to the broker and from there until they could be read, and how many missed the view's freshness. These are of that process, since it began. Asks the
brokers how many records the whole group has before it, and the store for its watermarks (Redis keeps them).

Where no process answers it says so, and shows what brokers and store know. A process that asks for credentials needs a key with the scope admin in
LARDER_API_KEY. Changes nothing.`,
  examples: ["sync status", "sync status --watch", "sync status --url http://10.0.0.7:6567 --json"],
  tenant: "unset",
  options: (command) =>
    command
      .option("--url <url>", "where the sync answers", "http://127.0.0.1:6567")
      .option("--watch", "again and again until Ctrl-C; with --json a line each time")
      .option("--every <duration>", "how often", "2s"),
  async run(context) {
    const { openStreamAdmin, streamOf } = await import("@larder/materializer/stream");
    const { durationOption } = await import("../duration-option.ts");
    const { urlOption } = await import("../url-option.ts");
    const { openStore } = await import("../open-store.ts");
    const { syncJson, syncText } = await import("../render/sync-report.ts");
    const { syncOverview } = await import("../../sync/sync-status.ts");
    const { options, signal, terminal } = context;
    const url = urlOption("--url", options.url);
    const every = durationOption("--every", options.every) / 1_000;
    await using opened = await openStore(context);
    await using admin = await openStreamAdmin(streamOf(opened.definitions));
    const look = async () => {
      const overview = await syncOverview(
        { ...opened, admin },
        { url, signal, apiKey: terminal.env["LARDER_API_KEY"] },
      );
      return { json: syncJson(overview), text: syncText(overview) };
    };
    if (options.watch !== true) return await look(); // before the store is closed
    const { stringifyJson } = await import("@larder/schema");
    const fresh = terminal.width === undefined ? "" : "\u001b[H\u001b[2J"; // from the top of an empty screen
    while (!signal.aborted) {
      const seen = await look().catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
      if (seen === undefined) break;
      terminal.out(options.json === true ? `${stringifyJson(seen.json)}\n` : `${fresh}${seen.text}`);
      await wait(every, undefined, { signal }).catch(() => {});
    }
    return undefined;
  },
});
