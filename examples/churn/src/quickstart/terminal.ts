/** How the quick start talks: plain lines in a log, a moving clock on a terminal. */
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
/** Without a terminal, work that takes long says so this often. */
const HEARTBEAT_MS = 5_000;
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
      write(interactive ? head(label) : `${head(label)}\n`);
      const timer = interactive
        ? setInterval(() => write(`\r${head(label)}${seconds()}`), FRAME_MS)
        : setInterval(() => write(`  ${"".padEnd(WIDTH)}${seconds()}, still at it\n`), HEARTBEAT_MS);
      try {
        const value = await work();
        write(`${interactive ? `\r${head(label)}` : head("")}${seconds()}  ${result(value)}\n`);
        return value;
      } catch (error) {
        write(`${interactive ? `\r${head(label)}` : head("")}${seconds()}  failed\n`);
        throw error;
      } finally {
        clearInterval(timer);
      }
    },
  };
}
