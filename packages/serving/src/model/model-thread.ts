import { parentPort } from "node:worker_threads";
import { isLarderError } from "@larder/schema";
import type { ModelRunner } from "./model-runner.ts";
import { createOnnxRunner } from "./onnx-runner.ts";
import { type ThreadAnswer, type ThreadFailure, type ThreadRequest, transferable } from "./thread-protocol.ts";

/** A thread that runs models on many rows, so that the event loop need not. It loads a model when it is first asked for it. */

const port = parentPort;
if (port === null) throw new Error("model-thread.ts runs as a worker thread");

const runners = new Map<number, Promise<ModelRunner>>();

port.on("message", (request: ThreadRequest) => {
  switch (request.kind) {
    case "run":
      void run(request).then(say, (error: unknown) => say({ kind: "failed", failure: failureOf(error) }));
      return;
    case "forget":
      void forget(request.model);
      return;
    case "close":
      void Promise.allSettled([...runners.keys()].map(forget)).then(() => port.close());
  }
});

function say(answer: ThreadAnswer): void {
  port?.postMessage(answer, answer.kind === "done" ? transferable(answer.outputs) : []);
}

async function run({ model, file, part }: Extract<ThreadRequest, { kind: "run" }>): Promise<ThreadAnswer> {
  let loading = runners.get(model);
  if (loading === undefined) {
    loading = createOnnxRunner(file);
    runners.set(model, loading);
    loading.catch(() => runners.delete(model));
  }
  const runner = await loading;
  const outputs = await runner.run(part.feeds, part.outputs);
  // The runtime may go on using its own memory, so what changes hands is a copy.
  return { kind: "done", outputs: outputs.map(({ type, data, dims }) => ({ type, data: data.slice(), dims })) };
}

async function forget(model: number): Promise<void> {
  const loading = runners.get(model);
  runners.delete(model);
  const runner = await loading?.catch(() => undefined);
  await runner?.close();
}

function failureOf(error: unknown): ThreadFailure {
  if (isLarderError(error)) {
    const { code, what, remedy, facts, cause } = error;
    return { code, what, remedy, facts, reason: cause instanceof Error ? cause.message : "" };
  }
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const remedy = "Report it with this log line";
  return { code: "INTERNAL", what: "A model thread failed", remedy, facts: {}, reason };
}
