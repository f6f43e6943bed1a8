import { mkdir } from "node:fs/promises";
import { createConnection } from "node:net";
import { dirname, join } from "node:path";
import { findServer } from "./find-server.ts";
import { LOOPBACK, onFreePort } from "./free-port.ts";
import { type ChildHandle, startProcess } from "./process.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { until } from "./until.ts";

/** An S3 server of the test's own, on a loopback port. It checks signatures, and its buckets are empty. */
export interface S3Server {
  readonly host: string;
  readonly port: number;
  /** `http://host:port`. */
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** What the server has logged. */
  readonly log: string;
  /** Path of DuckDB's httpfs extension, which the cache keeps beside the server. */
  readonly httpfsExtension: string;
  /** Ends the server and removes its folder. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const READY_MS = 15_000;
const KEY = { id: "larder-test", secret: "larder-test-secret" };

/** Starts versitygw from the cache, with these buckets. It never outlives this process. Fails with the remedy when there is none. */
export async function startS3({
  buckets = ["lake"],
}: {
  readonly buckets?: readonly string[];
} = {}): Promise<S3Server> {
  const binary = findServer("s3");
  const folder = await temporaryFolder();
  try {
    const { port, child } = await onFreePort(async (port) => ({
      port,
      child: await start(binary, folder.path, port, buckets),
    }));
    const stop = async (): Promise<void> => {
      await child.end(0);
      await folder.remove();
    };
    return {
      host: LOOPBACK,
      port,
      endpoint: `http://${LOOPBACK}:${port}`,
      accessKeyId: KEY.id,
      secretAccessKey: KEY.secret,
      get log() {
        return child.stdout + child.stderr;
      },
      httpfsExtension: join(dirname(binary), "httpfs.duckdb_extension"),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

async function start(binary: string, folder: string, port: number, buckets: readonly string[]): Promise<ChildHandle> {
  // Not every file system has extended attributes, so what the server knows of objects goes into a folder beside them.
  const [data, beside] = [join(folder, "data"), join(folder, "beside")];
  await mkdir(beside, { recursive: true });
  for (const bucket of buckets) await mkdir(join(data, bucket), { recursive: true });
  const args = ["--port", `${LOOPBACK}:${port}`, "posix", "--sidecar", beside, data];
  const env = { ROOT_ACCESS_KEY: KEY.id, ROOT_SECRET_KEY: KEY.secret };
  const child = await startProcess(binary, args, { cwd: folder, folder, env });
  try {
    await until(READY_MS, "versitygw answers", async () => child.ended !== undefined || (await answers(port)));
    if (child.ended !== undefined) throw new Error(`versitygw ended: ${child.stdout}${child.stderr}`);
    return child;
  } catch (error) {
    await child.end(0);
    throw error;
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, LOOPBACK);
    const end = (connected: boolean) => () => {
      socket.destroy();
      resolve(connected);
    };
    socket.once("connect", end(true)).once("error", end(false));
  });
}
