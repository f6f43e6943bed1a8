import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** The example's folder, where every command of the quick start runs. */
export const EXAMPLE = join(import.meta.dirname, "..", "..");

/** `larder`, run from source; for people, `npm run -s larder -- …` is the same. */
const LARDER = [
  "--conditions=@larder/source",
  join(EXAMPLE, "..", "..", "packages", "larder", "src", "cli", "main.ts"),
] as const;

/** A command that failed; the message is what it said. */
class CommandFailed extends Error {
  override readonly name = "CommandFailed";
}

/** A running `larder serve`, or another verb that says its address and stays. */
export interface Server {
  /** `http://host:port` */
  readonly url: string;
  /** Fulfils when the process has ended, with the words to say so. */
  readonly ended: Promise<string>;
  /** Ends the process. `told`: a Ctrl-C on the terminal has reached it already, and a second signal would make it drop what it is doing. */
  stop(told: boolean): Promise<void>;
}

/** The commands of the quick start, each in a process of its own. */
export interface Commands {
  /** Runs a verb of `larder` to its end and answers its JSON. @throws CommandFailed */
  larder(verb: string, ...args: readonly string[]): Promise<unknown>;
  /** Runs one of the example's own scripts to its end and answers what it printed. @throws CommandFailed */
  script(name: string, ...args: readonly string[]): Promise<string>;
  /** Starts `larder serve` on a port (0: any free one) and waits until it says its address. @throws CommandFailed */
  serve(port: number): Promise<Server>;
}

/** When `signal` aborts, the command under way is ended, and fails. A server is ended by its `stop` alone. */
export function createCommands(signal: AbortSignal): Commands {
  const finish = async (name: string, args: readonly string[]): Promise<string> => {
    const child = start(args);
    const end = (): void => void child.kill("SIGTERM");
    if (signal.aborted) end();
    signal.addEventListener("abort", end);
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
    const [code] = await once(child, "close");
    signal.removeEventListener("abort", end);
    if (signal.aborted) throw new CommandFailed(`${name} was interrupted.`);
    if (code === 0) return stdout();
    throw new CommandFailed(`${name} failed.\n${reasonIn(stdout()) || stderr().trim() || stdout().trim()}`);
  };
  return {
    larder: async (verb, ...args) => JSON.parse(await finish(`larder ${verb}`, [...LARDER, verb, ...args, "--json"])),
    script: async (name, ...args) => await finish(name, [join(EXAMPLE, "scripts", name), ...args]),
    serve: (port) => startServer("serve", "--port", String(port)),
  };
}

/** Starts a verb that stays until it is stopped, and waits until it says its address. @throws CommandFailed */
export async function startServer(verb: string, ...args: readonly string[]): Promise<Server> {
  const child = start([...LARDER, verb, ...args, "--json"]);
  const stderr = collect(child.stderr);
  const closed = once(child, "close");
  const said = new Promise<string>((resolve) => {
    if (child.stdout !== null) createInterface(child.stdout).on("line", resolve);
  });
  const ended = closed.then(() => `larder ${verb} ended.\n${stderr().trim()}`);
  const first = await Promise.race([said, ended, lateAfter(START_MS, verb)]);
  const server = { url: addressIn(first), ended, stop: (told: boolean) => stop(child, closed, told) };
  if (server.url !== "") return server;
  await server.stop(false);
  throw new CommandFailed(`larder ${verb} failed.\n${reasonIn(first) || stderr().trim()}`);
}

const START_MS = 60_000;
const STOP_MS = 10_000;
const TOLD_MS = 2_000;
const KEPT = 64 * 1024;

function start(args: readonly string[]): ChildProcess {
  // npm sets INIT_CWD to where the user stands, and `larder` counts relative paths from it.
  const env = { ...process.env, INIT_CWD: EXAMPLE };
  return spawn(process.execPath, [...args], { cwd: EXAMPLE, env, stdio: ["ignore", "pipe", "pipe"] });
}

async function stop(child: ChildProcess, closed: Promise<unknown>, told: boolean): Promise<void> {
  const ask = setTimeout(() => child.kill("SIGTERM"), told ? TOLD_MS : 0);
  const kill = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await closed;
  clearTimeout(ask);
  clearTimeout(kill);
}

/** What a stream has said, cut to the last {@link KEPT} characters: a server may log for days. */
function collect(stream: NodeJS.ReadableStream | null): () => string {
  let text = "";
  stream?.setEncoding("utf8").on("data", (more: string) => {
    text = (text + more).slice(-KEPT);
  });
  return () => text;
}

function lateAfter(ms: number, verb: string): Promise<string> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(`larder ${verb} said nothing for ${ms / 1000} s.`), ms).unref();
  });
}

function addressIn(text: string): string {
  const answer = jsonIn(text);
  return typeof answer["url"] === "string" ? answer["url"] : "";
}

/** The message of `{"error": {message, problems}}`, which every verb answers with --json; empty where there is none. */
function reasonIn(text: string): string {
  const { error } = jsonIn(text);
  if (typeof error !== "object" || error === null || !("message" in error)) return "";
  const problems = "problems" in error && Array.isArray(error.problems) ? error.problems : [];
  const lines = problems.map(({ place, field, what, remedy }) => `  ${place}: ${field}: ${what}. ${remedy}.`);
  return [error.message, ...lines].join("\n");
}

function jsonIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    // Not JSON: the caller shows the text itself.
    return {};
  }
}
