import type { ErasureReceipt } from "../../forget-entity.ts";
import { defineVerb } from "../verb.ts";

/** `larder forget k=v…`: erases an entity. */
export const forgetVerb = defineVerb<{
  readonly yes?: boolean;
  readonly trainingSets?: string;
  readonly receipt?: string;
  readonly showKey?: boolean;
}>({
  usage: "forget <key=value...>",
  summary: "erase an entity from the online store, for good, and write a receipt",
  description: `Removes one entity's rows from every view whose join keys are, or contain, the given ones; of a tenant, not of others. A hashed marker stays
in the store and keeps the rows from coming back, from Parquet or from anywhere: a row is written only if its event time is later than the erasure.
It takes some seconds, until every running process has heard of it. Stopped anywhere, it may be repeated.

The log of served vectors (server.served_log), as this machine sees it, is cleaned as well. Parquet files of sources are not changed, nor are topics
and their dead letters, of which Kafka can delete no single record; what comes from them again is not written. The receipt names the sources, topics and
training sets that are yours to delete from; it holds no join-key value.

Without --yes it changes nothing, says how many rows would go, and exits 2.`,
  examples: [
    "forget customer_id=12345 --yes --receipt receipt.json",
    "forget customer_id=12345 --tenant acme --yes --json",
  ],
  options: (command) =>
    command
      .option("--yes", "really erase it")
      .option("--receipt <file>", "also write the receipt to this new file")
      .option("--training-sets <folder>", "look for training sets below it (default: the definitions' folder)")
      .option("--show-key", "name the entity in the receipt"),
  async run(context) {
    const { keyValuePairs } = await import("../entity-option.ts");
    const { openStore } = await import("../open-store.ts");
    const { receiptText } = await import("../render/erasure-receipt.ts");
    const { forgetEntity } = await import("../../forget-entity.ts");
    const { tenant, yes: confirmed = false, trainingSets, receipt, showKey } = context.options;
    const entity = keyValuePairs(context.args);
    await using opened = await openStore(context);
    const progress = context.progress("forget");
    try {
      const written = await forgetEntity(opened, {
        tenant,
        entity,
        confirmed,
        showKey,
        trainingSets: trainingSets === undefined ? undefined : context.path(trainingSets),
        receipt: receipt === undefined ? undefined : context.path(receipt),
        signal: context.signal,
        onProgress: (at) =>
          progress.update(
            at.phase === "wait"
              ? { fraction: at.fraction, what: "until every process knows" }
              : { done: at.rows, what: at.view },
          ),
      });
      return { json: written, text: receiptText(written), exitCode: isWhole(written) ? 0 : 1 };
    } finally {
      progress.stop();
    }
  },
});

/** Whether there is nothing that somebody has to look into by other means. */
function isWhole({ unread_training_sets, served_log }: ErasureReceipt): boolean {
  return unread_training_sets.length === 0 && (served_log?.unread ?? []).length === 0;
}
