import pc from "picocolors";

/** Where a command reads its surroundings from and writes to: results go to stdout, talk to stderr. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder relative paths count from: where the user stood, also under `npm run`. */
  readonly folder: string;
  /** Width of stderr in characters; undefined when stderr is no terminal. */
  readonly width: number | undefined;
  /** Width of help texts, in characters. */
  readonly helpWidth: number;
  /** Colours for stdout and for stderr; plain where the stream is no terminal or NO_COLOR is set. */
  readonly paint: Paint;
  readonly paintTalk: Paint;
  out(text: string): void;
  talk(text: string): void;
}

/** The few colours in use. */
export type Paint = Pick<ReturnType<typeof pc.createColors>, "bold" | "dim" | "red" | "green" | "yellow" | "cyan">;

/** The part of `process` that a terminal is made from. */
export interface Streams {
  readonly env: Terminal["env"];
  cwd(): string;
  readonly stdout: Stream;
  readonly stderr: Stream;
}

interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** The terminal of a process. */
export function systemTerminal(streams: Streams = process): Terminal {
  const { env, stdout, stderr } = streams;
  const colour = !env["NO_COLOR"] && env["TERM"] !== "dumb";
  return {
    env,
    folder: env["INIT_CWD"] || streams.cwd(),
    helpWidth: Math.min(stdout.isTTY ? stdout.columns || 80 : 120, 140),
    width: stderr.isTTY ? stderr.columns || 80 : undefined,
    paint: pc.createColors(colour && stdout.isTTY === true),
    paintTalk: pc.createColors(colour && stderr.isTTY === true),
    out: (text) => void stdout.write(text),
    talk: (text) => void stderr.write(text),
  };
}
