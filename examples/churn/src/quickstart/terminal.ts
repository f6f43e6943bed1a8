/** How the quick start talks: a line per step in a log, a moving clock on a terminal. */
export interface Talk {
  /** True where somebody watches. */
  readonly interactive: boolean;
  line(text?: string): void;
  bold(text: string): string;
  dim(text: string): string;
  /** Shows `label` and the seconds while `work` runs; then its result on the same line. Answers what `work` answers. */
  step<T>(label: string, work: () => Promise<T>, result: (value: T) => string): Promise<T>;
}

const WIDTH = 34;
const HEARTBEAT_MS = 2_000;
const FRAME_MS = 100;

/** Talks on stdout. */
export function terminalTalk(stdout: NodeJS.WriteStream, env: Readonly<Record<string, string | undefined>>): Talk {
  const interactive = stdout.isTTY === true;
  const colour = interactive && !env["NO_COLOR"] && env["TERM"] !== "dumb";
  const paint = (code: number, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const write = (text: string): void => void stdout.write(text);
  const head = (label: string): string => `  ${label.padEnd(WIDTH)}`;
  return {
    interactive,
    line: (text = "") => write(`${text}\n`),
    bold: (text) => paint(1, text),
    dim: (text) => paint(2, text),
    async step(label, work, result) {
      const start = performance.now();
      const seconds = (): string => `${((performance.now() - start) / 1000).toFixed(1).padStart(5)} s`;
      // A log gets one line per step, with a dot for every few seconds; a terminal has its line redrawn.
      const redraw = (): void => write(`\r${head(label)}${seconds()}`);
      write(head(label));
      const timer = interactive ? setInterval(redraw, FRAME_MS) : setInterval(() => write("."), HEARTBEAT_MS);
      const end = (text: string): void => {
        if (interactive) redraw();
        else write(seconds());
        write(`  ${text}\n`);
      };
      try {
        const value = await work();
        end(result(value));
        return value;
      } catch (error) {
        end("failed");
        throw error;
      } finally {
        clearInterval(timer);
      }
    },
  };
}
