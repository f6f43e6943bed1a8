// The thread of slow-link.ts: a proxy that is not kept waiting by what the load test itself computes.
import { parentPort, workerData } from "node:worker_threads";
import { startTcpProxy, type TcpTarget } from "@larder/testkit";

/** What the road to the store is to be from now on. */
export type LinkOrder =
  | { readonly kind: "delay"; readonly ms: number }
  | { readonly kind: "cut" }
  | { readonly kind: "hang" }
  | { readonly kind: "close" };

const proxy = await startTcpProxy(workerData as TcpTarget);
parentPort?.on("message", async (order: LinkOrder) => {
  switch (order.kind) {
    case "delay":
      if (order.ms > 0) proxy.delay(order.ms, "answers");
      else proxy.resume();
      break;
    case "cut":
      proxy.cut();
      break;
    case "hang":
      proxy.hang();
      break;
    case "close":
      await proxy.close();
      parentPort?.close();
      break;
  }
});
parentPort?.postMessage(proxy.port);
