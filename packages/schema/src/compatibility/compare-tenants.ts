import { type ChangeList, matchByName } from "./change-list.ts";
import { bringsBack, limitText } from "./compare-views.ts";
import type { Meaning, Pairs } from "./meaning.ts";

/** Compares tenants, and the online TTLs that they have of their own. */
export function compareTenants(old: Meaning, now: Meaning, changes: ChangeList): void {
  const { added, removed, both } = matchByName(old.tenants.map, now.tenants.map);
  for (const name of added) {
    changes.add("safe", `tenants.${name}`, "added", `It has no rows yet: materialize or push with --tenant ${name}`);
  }
  for (const name of removed) {
    const remedy = "Requests for it are refused, and its rows stay: reset them before, if they are to go";
    changes.add("breaking", `tenants.${name}`, "removed", remedy);
  }
  const views = matchByName(old.views.map, now.views.map).both;
  for (const [name, before, after] of both) {
    for (const [view, viewBefore, viewAfter] of views) {
      const [one, other] = [ownTtl(before, view), ownTtl(after, view)];
      if (one === other) continue;
      const limits = [one ?? viewBefore.onlineTtl, other ?? viewAfter.onlineTtl] as const;
      if (limits[0] === limits[1]) continue;
      const what = `online TTL of ${view} changed from ${limitText(limits[0])} to ${limitText(limits[1])}`;
      if (bringsBack(...limits)) {
        const remedy = `Materialize ${view} again with --tenant ${name}: rows that count again may be gone`;
        changes.add("rematerialize", `tenants.${name}`, what, remedy);
      } else {
        changes.add("safe", `tenants.${name}`, what, "Nothing to do: rows that are too old now read OUTSIDE_MAX_AGE");
      }
    }
  }
}

function ownTtl(ttls: Pairs<number>, view: string): number | undefined {
  return ttls.map.find(([name]) => name === view)?.[1];
}
