import { consumeOnly, syncAll, writeByHand } from "./materializer/contenders.ts";
import { openWorld } from "./materializer/world.ts";
const N = 300_000;
await using world = await openWorld(N);
console.log("hand", (await writeByHand(world, N)));
console.log("hand", (await writeByHand(world, N)));
for (const c of ["platformatic", "kafkajs", "platformatic", "kafkajs"] as const) { console.log(c, await consumeOnly(world, c, N)); console.log("sync", c, await syncAll(world, c, N)); }
