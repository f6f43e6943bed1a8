import type { ErrorCode, ErrorFacts } from "@larder/schema";
import type { Tensor } from "./model-runner.ts";
import type { ModelFile } from "./onnx-runner.ts";

/** What a model thread is told, one work at a time but for `forget` and `close`. */
export type ThreadRequest =
  | { readonly kind: "run"; readonly model: number; readonly file: ModelFile; readonly part: RunPart }
  | { readonly kind: "forget"; readonly model: number }
  | { readonly kind: "close" };

/** Rows of a request, whole or some of many. */
export interface RunPart {
  readonly feeds: ReadonlyMap<string, Tensor>;
  readonly outputs: readonly string[];
}

/** What a run is answered with. */
export type ThreadAnswer =
  | { readonly kind: "done"; readonly outputs: readonly Tensor[] }
  | { readonly kind: "failed"; readonly failure: ThreadFailure };

/** An error of Larder's without its class, which does not travel; `reason` is its cause in words. */
export interface ThreadFailure {
  readonly code: ErrorCode;
  readonly what: string;
  readonly remedy: string;
  readonly facts: ErrorFacts;
  readonly reason: string;
}

/** The memory of tensors that can change hands in place of being copied: text cannot. */
export function transferable(tensors: Iterable<Tensor>): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { data } of tensors) if (!Array.isArray(data)) buffers.add(data.buffer as ArrayBuffer);
  return [...buffers];
}
