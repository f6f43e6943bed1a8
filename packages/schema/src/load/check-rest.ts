import { show } from "../fault.ts";
import { keyPath } from "../yaml/placed-node.ts";
import type { CheckContext } from "./check-context.ts";
import { checkOfflineStore } from "./check-offline-store.ts";
import { checkServer } from "./check-server.ts";
import { checkSchemaRegistry } from "./check-streams.ts";
import { checkSync } from "./check-sync.ts";
import { suggest } from "./nearest.ts";

/** Longest tenant name in bytes of UTF-8. */
const MAX_TENANT_BYTES = 200;

/** Checks tenants, the server, streams and budgets. */
export function checkRest(context: CheckContext): void {
  checkTenants(context);
  checkLayout(context);
  checkOfflineStore(context);
  checkServer(context);
  checkSchemaRegistry(context);
  checkSync(context);
  for (const [name, budget] of Object.entries(context.file.budgets ?? {})) {
    if (typeof budget !== "object" || !("p99_ms" in budget) || !("aim_ms" in budget)) continue;
    if (Number(budget.aim_ms) > Number(budget.p99_ms)) {
      context.problems.add(context.at(`budgets.${name}`, "aim_ms"), "is above p99_ms", "Aim below the gate");
    }
  }
}

/** What says how Feast's rows are kept says nothing about packed ones. */
function checkLayout({ file, at, has, problems }: CheckContext): void {
  const store = file.online_store;
  if (store === undefined) return;
  if ("layout" in store && store.layout === "feast") return;
  for (const [path, key] of [
    ["", "entity_key_serialization_version"],
    ["online_store", "key_ttl_seconds"],
  ] as const) {
    if (has(path, key)) problems.add(at(path, key), "is about Feast's layout", "Remove it, or use layout: feast");
  }
}

function checkTenants(context: CheckContext): void {
  const { file, at, problems, views } = context;
  if (file.tenants === undefined) return;
  const store = file.online_store;
  const shared = store !== undefined && "layout" in store && store.layout === "feast";
  if (Object.keys(file.tenants).length === 0) {
    problems.add(
      at("", "tenants"),
      "lists no tenant, so that every request would be refused",
      "Write tenants: { default: {} }, or leave it out",
    );
  }
  for (const [name, tenant] of Object.entries(file.tenants)) {
    const here = at("tenants", name);
    const bytes = Buffer.byteLength(name);
    if (name === "") problems.add(here, "is a tenant without a name", "Give it a name");
    if (bytes > MAX_TENANT_BYTES) {
      problems.add(here, `is a tenant name of ${bytes} bytes`, `Use at most ${MAX_TENANT_BYTES} bytes of UTF-8`);
    }
    if (!name.isWellFormed())
      problems.add(here, "is a tenant name with half of a surrogate pair", "Use well-formed Unicode");
    if (shared && name !== "default") {
      const what = `is the tenant ${show(name)}, and Feast's layout has no tenants`;
      problems.add(here, what, "Keep default only, or use layout: packed");
    }
    checkQuota(context, name, shared);
    for (const view of Object.keys(tenant?.ttl ?? {})) {
      if (views.has(view)) continue;
      const remedy = suggest(view, [...views.keys()], "Declare it under feature_views");
      problems.add(
        at(`${keyPath("tenants", name)}.ttl`, view),
        `is a TTL for the feature view ${show(view)}, which does not exist`,
        remedy,
      );
    }
  }
}

/** A quota needs something to measure by, and eviction something to evict. */
function checkQuota({ file, at, problems, views }: CheckContext, name: string, feast: boolean): void {
  const tenant = file.tenants?.[name];
  const here = keyPath("tenants", name);
  if (feast && tenant?.max_bytes !== undefined) {
    problems.add(at(here, "max_bytes"), "is a quota, which Feast's layout has none of", "Use layout: packed");
  }
  if (tenant?.on_full !== "evict_long_tail") return;
  if (tenant.max_bytes === undefined) {
    problems.add(at(here, "on_full"), "is about max_bytes, which the tenant has none of", "Set max_bytes too");
  } else if (![...views.values()].some((view) => view.long_tail === true)) {
    const remedy = "Set long_tail: true on the views whose oldest rows may go";
    problems.add(at(here, "on_full"), "is evict_long_tail, and no feature view is long_tail", remedy);
  }
}
