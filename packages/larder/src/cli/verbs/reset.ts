import { collect, defineVerb } from "../verb.ts";

/** `larder reset`: removes rows of one tenant from the online store. */
export const resetVerb = defineVerb<{
  readonly view?: string;
  readonly entity?: readonly string[];
  readonly yes?: boolean;
}>({
  usage: "reset",
  summary: "remove a tenant's rows from the online store",
  description: `Removes the rows of exactly one tenant, or of one view of it, or of one entity (an --entity for each join key), and the materialize
positions kept for them. Files, models and other tenants are not touched; the rows can be materialized again.
It works in small steps with pauses, so that others are served meanwhile; one that was stopped is finished by running it again.

Without --yes it changes nothing, says how many rows would go, and exits 2.`,
  examples: [
    "reset --tenant default --view churn_features --yes",
    "reset --tenant acme --view churn_features --entity customer_id=12345 --yes",
  ],
  tenant: "required",
  options: (command) =>
    command
      .option("--view <name>", "only this feature view")
      .option("--entity <key=value>", "only this entity; repeat for a composite key", collect)
      .option("--yes", "really remove them"),
  async run(context) {
    const { entityRow } = await import("../entity-option.ts");
    const { openStore } = await import("../open-store.ts");
    const { resetRows } = await import("../../reset-rows.ts");
    const { tenant, view, entity: pairs, yes: confirmed = false } = context.options;
    await using opened = await openStore(context);
    const joinKeys = [...opened.definitions.entities.values()].flatMap((entity) => entity.joinKeys);
    const entity = pairs === undefined ? undefined : entityRow(pairs, joinKeys);
    const progress = context.progress("reset");
    const onRemoved = (done: number) => progress.update({ done });
    try {
      const report = await resetRows(opened, { tenant, view, entity, confirmed, signal: context.signal, onRemoved });
      return {
        json: { ...report, entity },
        text: `removed ${report.removed} row${report.removed === 1 ? "" : "s"} of tenant ${tenant}\n`,
      };
    } finally {
      progress.stop();
    }
  },
});
