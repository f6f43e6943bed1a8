import { findFeature, findTenant, findView } from "@larder/schema";
import { type Evidence, gatherEvidence, type WhyParts } from "./evidence.ts";
import { judge } from "./judge.ts";
import type { FeatureVerdict } from "./verdict.ts";

/** Which read to explain. */
export interface WhyRequest {
  /** `view:feature`, or a view for all of its features. */
  readonly reference: string;
  /** Join key -> value. */
  readonly entity: Readonly<Record<string, unknown>>;
  readonly tenant: string;
  /** The definitions as commands have to name them; default: as commands find them by themselves. */
  readonly file?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Why a read of features of one entity answers what it answers. Times are microseconds. */
export interface WhyReport {
  readonly project: string;
  readonly tenant: string;
  readonly view: string;
  readonly entity: Readonly<Record<string, unknown>>;
  /** The logical time of the look. */
  readonly now: number;
  /** In the order of the view; one, if one was asked for. */
  readonly features: readonly FeatureVerdict[];
  readonly evidence: Evidence;
}

/**
 * Explains why a read of features of one entity answers what it answers, from what the online store, the definitions and the offline source say. The
 * online store is asked itself, past every cache. A part that cannot be had, such as a source without files, is named in the evidence, and the
 * verdict is given without it. Changes nothing.
 * @throws UNKNOWN_VIEW, UNKNOWN_FEATURE, UNKNOWN_TENANT; INVALID_REQUEST for a join key that is missing or of another type; what reading the online
 * store throws; ABORTED
 */
export async function why(parts: WhyParts, request: WhyRequest): Promise<WhyReport> {
  const { definitions } = parts;
  const { reference, entity, file } = request;
  const { name: tenant } = findTenant(definitions, request.tenant);
  const ref = reference.includes(":") ? findFeature(definitions, reference) : undefined;
  const view = ref?.view ?? findView(definitions, reference);
  const features = ref === undefined ? view.features : [ref.feature];
  const evidence = await gatherEvidence(parts, { view, features, entity, tenant, signal: request.signal });
  return {
    project: definitions.project,
    tenant,
    view: view.name,
    entity,
    now: evidence.now,
    features: features.map((feature) => judge({ evidence, view, feature, tenant, entity, file })),
    evidence,
  };
}
