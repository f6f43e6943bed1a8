import type { Definitions, FeatureView } from "@larder/schema";
import { type EntityBasis, openStoreMeter } from "@larder/store-core";
import { measureRequests, type RequestCost, type RequestsToMeasure } from "./measure-requests.ts";
import { startServing } from "./serving-process.ts";

/** Which requests to measure. */
export type RequestCostWork = Pick<
  RequestsToMeasure,
  "views" | "examples" | "rows" | "seconds" | "tenant" | "signal"
> & { readonly definitions: Definitions; readonly env: NodeJS.ProcessEnv };

/**
 * The CPU time of a request, of a server that is started for it.
 * @throws UNSUPPORTED where the store is not Redis; what startServing and measureRequests throw
 */
export async function requestCost({ definitions, env, ...work }: RequestCostWork): Promise<RequestCost> {
  const { tenant, signal } = work;
  await using meter = await openStoreMeter(definitions);
  await using server = await startServing({ file: definitions.file, tenant, env, signal });
  return await measureRequests({ ...work, url: server.url, meter, apiKey: env["LARDER_API_KEY"] });
}

/** Entities of a sample that views of one entity can be asked for. */
export function examplesFor(views: readonly FeatureView[], basis: EntityBasis): EntityBasis["examples"] {
  const keys = views[0]?.joinKeys ?? [];
  return basis.examples.filter((entity) => keys.every(({ name }) => Object.hasOwn(entity, name)));
}
