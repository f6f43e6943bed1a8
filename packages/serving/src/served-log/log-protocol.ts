import type { ServedLogDescription } from "@larder/schema";
import type { LogColumn, LogValue } from "./log-shape.ts";

/** What the writer's thread is told. Works are answered in order; `rows` and `discard` are not answered. */
export type LogRequest =
  | { readonly kind: "rows"; readonly file: number; readonly rows: readonly (readonly LogValue[])[] }
  | {
      /** Encode the file's rows without those at `leftOut`, and write them to `path`. The rows stay until `discard`. */
      readonly kind: "write";
      readonly file: number;
      readonly path: string;
      readonly description: ServedLogDescription;
      readonly columns: readonly LogColumn[];
      /** Ascending. */
      readonly leftOut: readonly number[];
    }
  | { readonly kind: "discard"; readonly file: number }
  /** Remove files that are too old or too many. */
  | {
      readonly kind: "prune";
      readonly folder: string;
      /** Milliseconds since 1970. */
      readonly now: number;
      readonly keepMs: number;
      readonly maxBytes: number;
    };

/** What a `write` or `prune` is answered with. */
export type LogAnswer = { readonly kind: "done" } | { readonly kind: "failed"; readonly reason: string };
