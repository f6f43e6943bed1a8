import { LOOPBACK, startProcess, until } from "@larder/testkit";
import { killLeft, treeOf } from "./process-tree.ts";

/** A server that runs on the servers' core. */
export interface ServerProcess extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** From its start until it gave a good answer. */
  readonly coldStartMs: number;
}

/** A program and how it is asked whether it is there. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly port: number;
  /** Asked again and again; the first answer 200 ends the cold start. */
  readonly first: { readonly path: string; readonly body: object };
}

/** Under load from elsewhere, Python reads its libraries for a minute. */
const START_MS = 180_000;
const SERVER_CORE = "0";

/** Starts it and waits for its first good answer. What it leaves behind when it is told to end is killed. */
export async function startServer({ command, args, env, cwd, port, first }: Launch): Promise<ServerProcess> {
  const start = performance.now();
  const options = { ...(env === undefined ? {} : { env }), ...(cwd === undefined ? {} : { cwd }) };
  const child = await startProcess("taskset", ["-c", SERVER_CORE, command, ...args], options);
  const stop = async () => {
    const tree = treeOf(child.pid);
    await child.end();
    killLeft(tree);
  };
  try {
    await until(START_MS, `${command} ${args[0]} answers`, async () => {
      if (child.ended !== undefined) return true;
      return (await post(port, first.path, first.body, 5_000)).status === 200;
    });
    if (child.ended !== undefined) throw new Error(`${command} ${args.join(" ")} ended: ${child.stderr.slice(-2_000)}`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, pid: child.pid, coldStartMs: performance.now() - start, [Symbol.asyncDispose]: stop };
}

/** One request with a JSON body. */
export function post(port: number, path: string, body: object, ms: number): Promise<Response> {
  return fetch(`http://${LOOPBACK}:${port}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(ms),
  });
}
