// A writer process of rival-writers.ts: writes all rows of a seed in its own order, some more than once, and prints which were applied.
import { seededRandom } from "@larder/testkit";
import { CALL, openStore, SCOPE } from "./harness.ts";
import { rivalRows } from "./rival-rows.ts";

const [connectionString = "", dataSeed = "0", orderSeed = "0"] = process.argv.slice(2);
const random = seededRandom(Number(orderSeed));
const rows = rivalRows(Number(dataSeed));
const order = random.shuffle([...rows.keys(), ...random.shuffle([...rows.keys()]).slice(0, 500)]);
const applied: number[] = [];

const store = await openStore({ connectionString });
console.log("started");
for (let at = 0; at < order.length; ) {
  const batch = order.slice(at, at + random.integer(1, 60));
  const outcomes = await store.putIfNewer(
    SCOPE,
    batch.map((index) => rows[index]!),
    CALL,
  );
  applied.push(...batch.filter((_, i) => outcomes[i]?.startsWith("applied")));
  at += batch.length;
}
await store.close();
console.log(`applied ${JSON.stringify(applied)}`);
