import { LarderError } from "@larder/schema";
import { rateOption } from "./rate-option.ts";
import type { VerbContext, VerbResult } from "./verb.ts";

/** The options of `larder sync`. */
export interface SyncOptions {
  readonly host?: string;
  readonly port?: string;
  readonly from?: string;
  readonly until?: string;
  readonly dryRun?: boolean;
  readonly maxRowsPerSecond?: string;
}

/** Runs a sync until its signal, replays a window, or tells where either would begin. @throws USAGE for options that do not go together */
export async function runSync(context: VerbContext<SyncOptions>): Promise<VerbResult | undefined> {
  const { file, options, terminal, signal } = context;
  const { host, port } = options;
  refuseWrong(options);
  const { parseStartPosition } = await import("@larder/materializer/stream");
  const from = options.from === undefined ? undefined : parseStartPosition("--from", options.from);
  const until = options.until === undefined ? undefined : parseStartPosition("--until", options.until);
  const maxRowsPerSecond = rateOption("--max-rows-per-second", options.maxRowsPerSecond);
  const wish = { file, env: terminal.env, signal, maxRowsPerSecond };
  if (from !== undefined && options.dryRun === true) {
    const { positionsOf } = await import("../sync/replay-window.ts");
    const { positionsResult } = await import("./render/replay-report.ts");
    return positionsResult(await positionsOf({ ...wish, from, until }));
  }
  if (from === undefined || until === undefined) {
    const { sync } = await import("../sync.ts");
    const told = (url: string) => (options.json ? `${JSON.stringify({ url })}\n` : `Larder syncs; see ${url}\n`);
    await sync({ ...wish, host, port, from, onListening: (url) => terminal.out(told(url)) });
    return undefined;
  }
  const { replayWindow } = await import("../sync/replay-window.ts");
  const { replayResult } = await import("./render/replay-report.ts");
  const progress = context.progress("replay");
  try {
    return replayResult(await replayWindow({ ...wish, from, until, onProgress: (at) => progress.update(at) }));
  } finally {
    progress.stop();
  }
}

function refuseWrong({ from, until, dryRun, host, port }: SyncOptions): void {
  for (const [name, given] of [
    ["--until", until !== undefined],
    ["--dry-run", dryRun === true],
  ] as const) {
    if (given && from === undefined) throw wrong(name, `${name} needs --from`, "Say where to begin, too");
  }
  if (until === undefined) return;
  for (const [name, value] of Object.entries({ "--host": host, "--port": port })) {
    if (value !== undefined)
      throw wrong(name, `${name} has no meaning with --until`, "Leave it out: a replay serves no probes");
  }
}

function wrong(field: string, what: string, remedy: string): LarderError {
  return new LarderError("USAGE", { what, remedy, facts: { field } });
}
