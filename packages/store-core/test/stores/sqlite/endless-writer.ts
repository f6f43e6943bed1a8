// A writer process of kill.test.ts: writes batches of ten rows until it is killed, and says after each that it is in the store.
import { openSqliteRowStore } from "../../../src/stores/sqlite/sqlite-row-store.ts";
import { call, configOf, row, scope } from "./open-test-store.ts";

const [path = "", name = ""] = process.argv.slice(2);
const store = await openSqliteRowStore(configOf(path));
for (let batch = 0; ; batch++) {
  const own = Array.from({ length: 9 }, (_, i) => row(`${name}-${batch}-${i}`, 1, "x".repeat(60)));
  await store.putIfNewer(scope, [...own, row("shared", batch, name)], call);
  console.log(`stored ${batch}.`);
}
