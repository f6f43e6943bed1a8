import { defineVerb } from "../verb.ts";

/** `larder why`: why a read answers what it answers. */
export const whyVerb = defineVerb({
  usage: "why <VIEW:feature> [key=value...]",
  summary: "explain why a feature of one entity has the value it has, or none",
  description: `Looks at the entity's row in the online store, at its rows in the Parquet source, and at the definitions, and says why a read answers what it
answers: the verdict with times, the remedy, and what it rests on. VIEW alone explains every feature of the view. Changes nothing.

It asks the online store itself, not what a server remembers. A source that cannot be read is said, and the verdict given without it. Exits 0 whatever the
verdict is.`,
  examples: [
    "why churn_features:tenure_months customer_id=12345",
    "why churn_features customer_id=12345 --tenant acme --json",
  ],
  async run(context) {
    const { findView } = await import("@larder/schema");
    const { wholeEntityRow } = await import("../entity-option.ts");
    const { openStore } = await import("../open-store.ts");
    const { whyJson, whyText } = await import("../render/why-report.ts");
    const { why } = await import("../../why/why.ts");
    const [reference = "", ...pairs] = context.args;
    const { file, tenant } = context.options;
    await using opened = await openStore(context);
    const { joinKeys } = findView(opened.definitions, reference.split(":", 1)[0] ?? "");
    const report = await why(opened, {
      reference,
      entity: wholeEntityRow(pairs, joinKeys, ""),
      tenant,
      file: file === "feature_store.yaml" ? undefined : file,
      signal: context.signal,
    });
    return { json: whyJson(report, reference.includes(":")), text: whyText(report) };
  },
});
