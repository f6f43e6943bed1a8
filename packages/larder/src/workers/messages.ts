import type { ErrorCode, ErrorFacts, Problem } from "@larder/schema";
import type { MetricsSnapshot, PeerMetrics } from "@larder/serving";

/** What the supervisor tells a worker. */
export type ToWorker =
  /** End: the whole server does. */
  | { readonly kind: "stop" }
  /** End: another has taken the place. */
  | { readonly kind: "retire" }
  /** Send your metrics, as `snapshot` with the same number. */
  | { readonly kind: "collect"; readonly id: number }
  /** What the others answered to your `collect`. */
  | { readonly kind: "collected"; readonly id: number; readonly metrics: PeerMetrics };

/** What a worker tells the supervisor. */
export type FromWorker =
  | { readonly kind: "ready"; readonly url: string }
  /** It could not start, or not end well. */
  | { readonly kind: "failed"; readonly error: SentError }
  /** Ask the others for their metrics; mine are these. */
  | { readonly kind: "collect"; readonly id: number; readonly metrics: MetricsSnapshot }
  | { readonly kind: "snapshot"; readonly id: number; readonly metrics: MetricsSnapshot }
  /** Its metrics at its end. */
  | { readonly kind: "last"; readonly metrics: MetricsSnapshot };

/** A LarderError between processes. */
export interface SentError {
  readonly code: ErrorCode;
  readonly what: string;
  readonly remedy: string;
  readonly facts: ErrorFacts;
  readonly problems: readonly Problem[];
  readonly message: string;
}
