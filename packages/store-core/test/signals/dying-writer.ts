// A writer that is killed after the rows of its second write and before the signal of it: it never lets go of its thread, so that no timer fires.
import { writeSync } from "node:fs";
import { storeSignals } from "@larder/store-core";
import { definitionsOf, openShop } from "./shop.ts";

const { put } = await openShop(definitionsOf(process.argv[2] ?? ""));
const sent = new Promise((resolve) => storeSignals.subscribe(resolve));
await put([1], 1);
await sent;
await put([2], 2);
writeSync(1, "written\n");
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
