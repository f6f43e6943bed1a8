import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { LarderError } from "@larder/schema";

/** Longest wait for a server to be ready: models are loaded and warmed up in it. */
const READY_MS = 120_000;

/** Longest wait for its end; then it is killed: nobody waits for its answers. */
const END_MS = 2_000;

/** How often readiness is asked for. */
const POLL_MS = 5;

/** What to serve, and as whom. */
export interface ServingRequest {
  /** Absolute path of the definitions. */
  readonly file: string;
  readonly tenant?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** `larder serve` in a process of its own, on a free port of loopback; ends it when it is disposed of. */
export interface ServingProcess extends AsyncDisposable {
  readonly url: string;
  /** From the start of the process until `/readyz` answered 200. */
  readonly readyMs: number;
}

/**
 * Starts it and waits until it is ready.
 * @throws SERVER_UNAVAILABLE with what the process said, where it ends or does not become ready; ABORTED
 */
export async function startServing({ file, tenant, env, signal }: ServingRequest): Promise<ServingProcess> {
  const source = import.meta.url.endsWith(".ts");
  const main = fileURLToPath(new URL(`../cli/main.${source ? "ts" : "js"}`, import.meta.url));
  const args = [...(source ? ["--conditions=@larder/source"] : []), main, "serve", "--file", file, "--port", "0"];
  const named = tenant === undefined ? [] : ["--tenant", tenant];
  const started = performance.now();
  const child = spawn(process.execPath, [...args, "--host", "127.0.0.1", "--json", ...named], {
    cwd: dirname(file),
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const end = () => endProcess(child);
  try {
    const timed = AbortSignal.any([signal, AbortSignal.timeout(READY_MS)]);
    const url = await listening(child, timed);
    if (url.startsWith("https:")) throw unsafeCertificate();
    await ready(url, timed);
    return { url, readyMs: performance.now() - started, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    signal.throwIfAborted();
    throw error;
  }
}

async function listening(child: ChildProcess, signal: AbortSignal): Promise<string> {
  const said: string[] = [];
  child.stderr?.on("data", (bytes: Buffer) => {
    said.push(bytes.toString());
    if (said.length > 20) said.shift();
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const line = await Promise.race([
    once(lines, "line", { signal }).then(([text]) => String(text)),
    once(child, "close", { signal }).then(() => undefined),
  ]).catch(() => undefined);
  if (line?.startsWith('{"url"')) return (JSON.parse(line) as { readonly url: string }).url;
  throw new LarderError("SERVER_UNAVAILABLE", {
    what: `larder serve did not become ready to be measured: ${(line ?? said.join("")).trim().slice(-600)}`,
    remedy: "See that larder serve starts with these definitions",
  });
}

function unsafeCertificate(): LarderError {
  return new LarderError("UNSUPPORTED", {
    what: "Servers with server.tls are not measured: their certificate is not of 127.0.0.1",
    remedy: "Measure with definitions without server.tls, named by --file",
    facts: { field: "server.tls" },
  });
}

async function ready(url: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { status } = await fetch(`${url}/readyz`, { signal });
    if (status === 200) return;
    await wait(POLL_MS, undefined, { signal });
  }
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "close");
  child.kill("SIGTERM");
  const kill = setTimeout(() => child.kill("SIGKILL"), END_MS);
  await closed;
  clearTimeout(kill);
}
