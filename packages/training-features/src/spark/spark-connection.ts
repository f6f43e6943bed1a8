import { randomUUID } from "node:crypto";
import type { ClientReadableStream, ClientUnaryCall, Metadata, ServiceError } from "@grpc/grpc-js";
import { LarderError } from "@larder/schema";
import {
  configRequest,
  type ExecuteResponse,
  errorDetailsRequest,
  executeRequest,
  interruptRequest,
  readErrorDetails,
  readErrorId,
  readExecuteResponse,
  reattachRequest,
  releaseExecuteRequest,
  releaseSessionRequest,
  type SparkCaller,
  type SparkPlan,
  type Wire,
} from "./connect-messages.ts";
import type { SparkAddress } from "./spark-address.ts";
import { GRPC, grpcStatusOf } from "./spark-error.ts";

type Grpc = typeof import("@grpc/grpc-js");

/** How long to wait for a server. */
export interface SparkConnectionOptions {
  /** For the connection and for every short call, in milliseconds. Default 20,000. */
  readonly timeoutMs?: number;
  /** Certificates to trust, as PEM. Default: those that Node trusts, which are more with NODE_EXTRA_CA_CERTS. */
  readonly rootCertificates?: Buffer;
}

/**
 * One session on a Spark Connect server, over gRPC. Errors are gRPC's own; the session above turns them into coded ones.
 *
 * An execution outlives its stream: the server ends streams after some minutes, and networks drop them, so the client attaches to the execution again
 * and goes on after the last response that it had.
 */
export class SparkConnection {
  /** `host:port`, for messages. */
  readonly server: string;
  readonly #grpc: Grpc;
  readonly #wire: Wire;
  readonly #client: InstanceType<Grpc["Client"]>;
  readonly #caller: SparkCaller;
  readonly #metadata: Metadata;
  /** Whether the server ever told how far an execution is. Spark does at the end of each, so from the first on. */
  #tellsProgress = false;
  readonly #timeoutMs: number;

  constructor(
    grpc: Grpc,
    wire: Wire,
    address: SparkAddress,
    { timeoutMs = 20_000, rootCertificates }: SparkConnectionOptions,
  ) {
    this.server = `${address.host}:${address.port}`;
    this.#grpc = grpc;
    this.#wire = wire;
    this.#timeoutMs = timeoutMs;
    this.#caller = { sessionId: randomUUID(), userId: address.userId };
    const credentials = address.tls
      ? grpc.credentials.createSsl(rootCertificates ?? null)
      : grpc.credentials.createInsecure();
    this.#client = new grpc.Client(this.server, credentials, {
      // A batch of results is a message, and how large it gets is the server's choice.
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
      // A query may be silent for hours; a peer that is gone shall be noticed all the same.
      "grpc.keepalive_time_ms": 60_000,
      "grpc.keepalive_timeout_ms": 20_000,
    });
    this.#metadata = new grpc.Metadata();
    if (address.token !== undefined) this.#metadata.set("authorization", `Bearer ${address.token}`);
    for (const [key, value] of Object.entries(address.headers)) this.#metadata.set(key, value);
  }

  /** Imports what it needs; connects with the first call. @throws MISSING_DEPENDENCY */
  static async create(address: SparkAddress, options: SparkConnectionOptions): Promise<SparkConnection> {
    const grpc = await needed("@grpc/grpc-js", () => import("@grpc/grpc-js"));
    const wire = await needed("@bufbuild/protobuf", () => import("@bufbuild/protobuf/wire"));
    return new SparkConnection(grpc, wire, address, options);
  }

  /** Sets settings of the session, and so makes it. */
  async configure(settings: Readonly<Record<string, string>>): Promise<void> {
    await this.#call("Config", configRequest(this.#wire, this.#caller, settings));
  }

  /**
   * Runs a plan and hands out the server's responses. Ending the loop early, or the signal, interrupts the execution; the server then forgets it.
   * The signal waits until the statement is planned, at most PLANNING_MS.
   */
  async *execute(plan: SparkPlan, signal: AbortSignal | undefined): AsyncIterable<ExecuteResponse> {
    const operation = randomUUID();
    let stream: ClientReadableStream<Uint8Array> | undefined;
    // The execution is interrupted on the way out. Spark loses an interrupt that comes while it plans: the job runs to its end all the same, with nobody
    // left who could stop it (seen on 4.3.0, once in eight statements aborted within 20 ms). So its first sign of a running job is waited for, on servers
    // that give one: Sail never does, and takes an interrupt at any time.
    let running = false;
    let planned: NodeJS.Timeout | undefined;
    const letGo = () => {
      if (running || !this.#tellsProgress) stream?.cancel();
      else planned = setTimeout(() => stream?.cancel(), PLANNING_MS);
    };
    let last: string | undefined;
    let complete = false;
    let drops = 0;
    signal?.addEventListener("abort", letGo);
    try {
      while (!complete) {
        stream =
          last === undefined && drops === 0
            ? this.#stream("ExecutePlan", executeRequest(this.#wire, this.#caller, operation, plan))
            : this.#stream("ReattachExecute", reattachRequest(this.#wire, this.#caller, operation, last));
        try {
          for await (const response of stream) {
            const read = readExecuteResponse(this.#wire, response as Uint8Array);
            last = read.responseId === "" ? last : read.responseId;
            drops = 0;
            complete = read.complete;
            this.#tellsProgress ||= read.progress !== undefined;
            running ||= read.arrow !== undefined || (read.progress?.total ?? 0) > 0;
            if (signal?.aborted === true && running) throw signal.reason;
            yield read;
          }
          // Servers that end a stream say so with the last message; one that says nothing twice has lost the execution.
          if (!complete && ++drops > MAX_DROPS) throw droppedError(this.#grpc);
        } catch (error) {
          // Nobody waits for what an aborted execution would say on another stream.
          if (signal?.aborted === true) throw error;
          if (grpcStatusOf(error) !== GRPC.unavailable || last === undefined || ++drops > MAX_DROPS) throw error;
        } finally {
          stream.cancel();
        }
      }
    } finally {
      signal?.removeEventListener("abort", letGo);
      clearTimeout(planned);
      if (complete) this.#forget(operation);
      else await this.#stop(operation);
    }
  }

  /** What the server says of a failure's causes, the outermost first; empty where it keeps none. */
  async causesOf(error: unknown): Promise<readonly string[]> {
    const metadata = error instanceof Error && "metadata" in error ? error.metadata : undefined;
    if (!(metadata instanceof this.#grpc.Metadata)) return [];
    const [status] = metadata.get("grpc-status-details-bin");
    const id = Buffer.isBuffer(status) ? readErrorId(this.#wire, status) : undefined;
    if (id === undefined) return [];
    const request = errorDetailsRequest(this.#wire, this.#caller, id);
    // The failure is to be told in any case, if need be without them.
    const answer = await this.#call("FetchErrorDetails", request).catch(ignoreGrpc);
    return answer === undefined ? [] : readErrorDetails(this.#wire, answer).slice(1);
  }

  /** Ends the session on the server, if it can be reached, and the connection. */
  async close(): Promise<void> {
    try {
      await this.#call("ReleaseSession", releaseSessionRequest(this.#wire, this.#caller));
    } catch (error) {
      // A server that is gone has no session any more, and one that refuses its caller never made it.
      if (grpcStatusOf(error) === undefined) throw error;
    } finally {
      this.#client.close();
    }
  }

  #stream(method: string, request: Uint8Array): ClientReadableStream<Uint8Array> {
    return this.#client.makeServerStreamRequest(`${SERVICE}/${method}`, asBuffer, asBytes, request, this.#metadata);
  }

  #call(method: string, request: Uint8Array): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const done = (error: ServiceError | null, answer?: Uint8Array): void => {
      if (error === null) resolve(answer ?? new Uint8Array());
      else reject(error);
    };
    this.#unary(method, request, done);
    return promise;
  }

  #unary(
    method: string,
    request: Uint8Array,
    done: (error: ServiceError | null, answer?: Uint8Array) => void,
  ): ClientUnaryCall {
    const options = { deadline: new Date(performance.timeOrigin + performance.now() + this.#timeoutMs) };
    return this.#client.makeUnaryRequest(
      `${SERVICE}/${method}`,
      asBuffer,
      asBytes,
      request,
      this.#metadata,
      options,
      done,
    );
  }

  /** Interrupts an execution. Whether that came through shows in how the execution ends. */
  async #stop(operation: string): Promise<void> {
    await this.#call("Interrupt", interruptRequest(this.#wire, this.#caller, operation)).catch(ignoreGrpc);
    this.#forget(operation);
  }

  /** The server may forget an execution that has ended; if it does not hear that, it does so on its own after some minutes. */
  #forget(operation: string): void {
    this.#call("ReleaseExecute", releaseExecuteRequest(this.#wire, this.#caller, operation, undefined)).catch(
      ignoreGrpc,
    );
  }
}

const SERVICE = "/spark.connect.SparkConnectService";
/** How long a statement may be planned before it is interrupted in any case. Spark tells of progress every 2 s. */
const PLANNING_MS = 5_000;
/** Streams of one execution that may break one after the other without a single response in between. */
const MAX_DROPS = 5;

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function asBytes(buffer: Buffer): Uint8Array {
  return buffer;
}

function ignoreGrpc(error: unknown): undefined {
  if (grpcStatusOf(error) === undefined) throw error;
}

function droppedError(grpc: Grpc): Error {
  return Object.assign(new Error("the server ends every stream without a result"), { code: grpc.status.UNAVAILABLE });
}

async function needed<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new LarderError("MISSING_DEPENDENCY", {
      what: `offline_store.type spark needs the package ${name}, which is not installed`,
      remedy: "Run `npm install @grpc/grpc-js @bufbuild/protobuf`",
      facts: { package: name },
      cause,
    });
  }
}
