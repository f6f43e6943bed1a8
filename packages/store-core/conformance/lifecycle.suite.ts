import { deepStrictEqual, fail, ok, rejects, strictEqual } from "node:assert/strict";
import { type ErrorCode, isLarderError } from "@larder/schema";
import type { Call } from "../src/call.ts";
import { START } from "./harness.ts";
import type { Rules } from "./rules.ts";
import { MISSING, present, type Session } from "./world.ts";

/** Rule 9: close, cancel and deadline. */
export function lifecycle({ rule, capabilities }: Rules): void {
  rule("a store says what it can do", async (world) => {
    deepStrictEqual((await world.open()).store.capabilities, capabilities);
  });

  rule("after close every method fails with STORE_CLOSED", async (world) => {
    const session = await world.open();
    await session.write("notes", [note(session, "x")]);
    await session.store.close();
    for (const [name, call] of methods(session)) await failsWith("STORE_CLOSED", name, call({ tenant: "default" }));
  });

  rule("close may be called again, and is what `await using` calls", async (world) => {
    const session = await world.open();
    await Promise.all([session.store.close(), session.store.close()]);
    await session.store.close();
    const other = await world.open();
    await other.store[Symbol.asyncDispose]();
    await failsWith("STORE_CLOSED", "ping", other.store.ping({ tenant: "default" }));
  });

  rule("close waits for the writes under way, or fails them", async (world) => {
    const session = await world.open();
    const writes = Array.from({ length: 20 }, (_, i) => session.write("notes", [note(session, `k${i}`)]));
    const [settled] = await Promise.all([Promise.allSettled(writes), session.store.close()]);
    for (const write of settled) {
      if (write.status === "rejected")
        ok(isLarderError(write.reason, "STORE_CLOSED", "STORE_UNAVAILABLE"), String(write.reason));
    }
  });

  rule("closing one store leaves the others of the same backend alone", async (world) => {
    const [one, other] = [await world.open(), await world.open()];
    await one.write("notes", [note(one, "x")]);
    await one.store.close();
    deepStrictEqual(await other.cells(["notes:text"], [{ shop_id: "x" }]), [[present("x")]]);
  });

  rule("a signal that has aborted ends every method with ABORTED, and nothing is written", async (world) => {
    const session = await world.open();
    const { signal } = { signal: AbortSignal.abort(new Error("enough")) };
    for (const [name, call] of methods(session)) await failsWith("ABORTED", name, call({ tenant: "default", signal }));
    deepStrictEqual(await session.scan({ tenant: "default" }), []);
  });

  rule("a deadline that has passed ends every method with STORE_TIMEOUT, and nothing is written", async (world) => {
    const session = await world.open();
    for (const [name, call] of methods(session)) {
      await failsWith("STORE_TIMEOUT", name, call({ tenant: "default", deadline: performance.now() - 1 }));
    }
    deepStrictEqual(await session.scan({ tenant: "default" }), []);
  });

  rule("a deadline may be as far as the caller likes", async (world) => {
    const session = await world.open();
    for (const deadline of [performance.now() + 1e12, Number.POSITIVE_INFINITY]) {
      for (const [name, call] of methods(session)) {
        await call({ tenant: "default", deadline }).catch((error) => fail(`${name}: ${String(error)}`));
      }
    }
  });

  rule("a write whose signal aborts on the way is written or not, and may be repeated", async (world) => {
    const session = await world.open();
    const rows = ["a", "b", "c"].map((shop) => note(session, shop));
    for (let turn = 0; turn < 5; turn++) {
      const controller = new AbortController();
      const write = session.write("notes", rows, { signal: controller.signal });
      for (let i = 0; i < turn; i++) await new Promise((resolve) => setImmediate(resolve));
      controller.abort();
      await write.catch((error) => ok(isLarderError(error, "ABORTED"), String(error)));
    }
    await session.write("notes", rows);
    const cells = await session.cells(
      ["notes:text"],
      ["a", "b", "c"].map((shop_id) => ({ shop_id })),
    );
    deepStrictEqual(
      cells,
      ["a", "b", "c"].map((shop) => [present(shop)]),
    );
  });

  rule("a call that is aborted does not disturb the ones beside it", async (world) => {
    const session = await world.open();
    const controller = new AbortController();
    const aborted = session.write("notes", [note(session, "a")], { signal: controller.signal });
    const other = session.write("notes", [note(session, "b")]);
    controller.abort();
    await aborted.catch((error) => ok(isLarderError(error, "ABORTED"), String(error)));
    deepStrictEqual((await other).outcomes, ["applied"]);
    deepStrictEqual(await session.cells(["notes:text"], [{ shop_id: "b" }]), [[present("b")]]);
  });

  rule("ping answers", async (world) => {
    strictEqual(await (await world.open()).store.ping({ tenant: "default" }), undefined);
  });

  rule(
    capabilities.durable ? "rows and meta outlive the store that wrote them" : "rows are gone with the last store",
    async (world) => {
      const session = await world.open();
      const scope = { project: session.definitions.project };
      await session.write("notes", [note(session, "x")]);
      const revision = await session.store.putMeta(scope, "note", Uint8Array.of(1), undefined, { tenant: "default" });
      await session.store.close();
      const again = await world.open();
      deepStrictEqual(await again.cells(["notes:text"], [{ shop_id: "x" }]), [
        [capabilities.durable ? present("x") : MISSING],
      ]);
      const meta = await again.store.getMeta(scope, "note", { tenant: "default" });
      deepStrictEqual(meta?.revision, capabilities.durable ? revision : undefined);
      if (capabilities.durable) deepStrictEqual(await again.outcomes("notes", [note(again, "x")]), ["duplicate"]);
    },
  );
}

function note(session: Session, shop: string) {
  return session.row("notes", [shop], START, { text: shop });
}

type Method = readonly [string, (call: Call) => Promise<unknown>];

/** Every method that takes a call. */
function methods(session: Session): readonly Method[] {
  const { store, definitions } = session;
  const scope = { project: definitions.project };
  return [
    ["read", (call) => session.read(session.plan("notes:text"), [{ shop_id: "x" }], undefined, call)],
    ["empty read", (call) => session.read(session.plan("notes:text"), [], undefined, call)],
    ["write", (call) => session.write("notes", [note(session, "never")], call)],
    ["empty write", (call) => session.write("notes", [], call)],
    ["reset", (call) => store.reset({ tenant: "default" }, call)],
    ["scan", (call) => exhausted(store.scan({ tenant: "default" }, call))],
    ["getMeta", (call) => store.getMeta(scope, "name", call)],
    ["putMeta", (call) => store.putMeta(scope, "name", Uint8Array.of(1), undefined, call)],
    ["deleteMeta", (call) => store.deleteMeta(scope, "name", call)],
    ["ping", (call) => store.ping(call)],
  ];
}

async function exhausted(rows: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of rows);
}

async function failsWith(code: ErrorCode, name: string, call: Promise<unknown>): Promise<void> {
  await rejects(
    call,
    (error) => {
      ok(isLarderError(error, code), `${name}: ${String(error)}`);
      return true;
    },
    `${name} did not fail`,
  );
}
