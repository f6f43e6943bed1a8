import { readFile } from "node:fs/promises";
import {
  Client,
  credentials,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  status,
} from "@grpc/grpc-js";
import { makeCertificates, type SparkConnectServer } from "@larder/testkit";

/** A door in front of a Spark Connect server, as clusters have: TLS outside, and a bearer token. */
export interface Gate extends AsyncDisposable {
  readonly port: number;
  /** The authority that signed its certificate. */
  readonly rootCertificates: Buffer;
}

const identity = (bytes: Buffer): Buffer => bytes;

/** Starts one. */
export async function startGate(behind: SparkConnectServer, token: string): Promise<Gate> {
  const certificates = await makeCertificates();
  const client = new Client(`127.0.0.1:${behind.port}`, credentials.createInsecure());
  const server = new Server();
  const known = (metadata: Metadata): boolean => metadata.get("authorization")[0] === `Bearer ${token}`;
  const refusal = { code: status.UNAUTHENTICATED, details: "who are you?" };
  const methods = ["Config", "Interrupt", "ReleaseExecute", "ReleaseSession", "ExecutePlan", "ReattachExecute"];
  const definition = (name: string) => ({
    path: `/spark.connect.SparkConnectService/${name}`,
    requestStream: false,
    responseStream: name.startsWith("Execute") || name.startsWith("Reattach"),
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  });
  const unary =
    (path: string): handleUnaryCall<Buffer, Buffer> =>
    (call, done) => {
      if (!known(call.metadata)) return done(refusal);
      client.makeUnaryRequest(path, identity, identity, call.request, new Metadata(), done);
    };
  const streaming =
    (path: string): handleServerStreamingCall<Buffer, Buffer> =>
    (call) => {
      if (!known(call.metadata)) {
        call.emit("error", refusal);
        return;
      }
      const stream = client.makeServerStreamRequest(path, identity, identity, call.request);
      stream.on("data", (bytes: Buffer) => call.write(bytes));
      stream.on("error", (error) => call.emit("error", error));
      stream.on("end", () => call.end());
    };
  for (const name of methods) {
    const method = definition(name);
    server.addService(
      { [name]: method },
      { [name]: method.responseStream ? streaming(method.path) : unary(method.path) },
    );
  }
  const rootCertificates = await readFile(certificates.ca);
  const pair = {
    cert_chain: await readFile(certificates.serverCert),
    private_key: await readFile(certificates.serverKey),
  };
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createSsl(null, [pair]), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
  return {
    port,
    rootCertificates,
    [Symbol.asyncDispose]: async () => {
      server.forceShutdown();
      client.close();
      await certificates.remove();
    },
  };
}
