import { deepStrictEqual, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { MetaScope } from "../src/row-store.ts";
import { HOSTILE_NAMES } from "./definitions.ts";
import { START } from "./harness.ts";
import type { Rules } from "./rules.ts";
import type { Session } from "./world.ts";

const CALL = { tenant: "default" };

/** Meta: named blobs beside the rows, written only over the revision that was read. */
export function meta({ rule }: Rules): void {
  rule("an entry is made once, and read as it was written", async (world) => {
    const { store, scope } = await opened(world.open());
    strictEqual(await store.getMeta(scope, "x", CALL), undefined);
    const revision = await store.putMeta(scope, "x", Buffer.from("first"), undefined, CALL);
    ok(revision !== undefined);
    strictEqual(await store.putMeta(scope, "x", Buffer.from("second"), undefined, CALL), undefined);
    const found = await store.getMeta(scope, "x", CALL);
    strictEqual(found?.revision, revision);
    strictEqual(Buffer.from(found.bytes).toString(), "first");
  });

  rule("an entry is replaced only over the revision that was read", async (world) => {
    const { store, scope } = await opened(world.open());
    strictEqual(await store.putMeta(scope, "x", Buffer.from("none"), "1", CALL), undefined);
    const first = await store.putMeta(scope, "x", Buffer.from("same"), undefined, CALL);
    const second = await store.putMeta(scope, "x", Buffer.from("same"), first, CALL);
    ok(second !== undefined);
    notStrictEqual(second, first);
    strictEqual(await store.putMeta(scope, "x", Buffer.from("late"), first, CALL), undefined);
    strictEqual(await store.putMeta(scope, "x", Buffer.from("odd"), "no revision", CALL), undefined);
    const found = await store.getMeta(scope, "x", CALL);
    deepStrictEqual([found?.revision, Buffer.from(found?.bytes ?? []).toString()], [second, "same"]);
  });

  rule("an entry may be removed, missing or not, and made anew with another revision", async (world) => {
    const { store, scope } = await opened(world.open());
    await store.deleteMeta(scope, "x", CALL);
    const first = await store.putMeta(scope, "x", Uint8Array.of(1), undefined, CALL);
    await store.deleteMeta(scope, "x", CALL);
    strictEqual(await store.getMeta(scope, "x", CALL), undefined);
    strictEqual(await store.putMeta(scope, "x", Uint8Array.of(2), first, CALL), undefined);
    const again = await store.putMeta(scope, "x", Uint8Array.of(2), undefined, CALL);
    ok(again !== undefined);
    strictEqual(await store.putMeta(scope, "x", Uint8Array.of(3), first, CALL), undefined);
  });

  rule("any bytes come back, none and many too", async (world) => {
    const { store, scope } = await opened(world.open());
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    for (const [i, bytes] of [new Uint8Array(0), all, new Uint8Array(300_000).fill(0xfe)].entries()) {
      await store.putMeta(scope, `x${i}`, bytes, undefined, CALL);
      const found = await store.getMeta(scope, `x${i}`, CALL);
      deepStrictEqual(Buffer.from(found?.bytes ?? [9]), Buffer.from(bytes));
    }
  });

  rule("scopes and names are kept apart, whatever characters they hold", async (world) => {
    const { store, scope } = await opened(world.open());
    const scopes: MetaScope[] = [
      scope,
      { ...scope, tenant: "null" },
      { ...scope, view: "null" },
      ...HOSTILE_NAMES.slice(0, 20).flatMap((name) => [
        { ...scope, tenant: name },
        { ...scope, view: name },
        { ...scope, tenant: "a", view: name },
      ]),
      { project: `${scope.project}:a` },
    ];
    const names = ["x", "x*", "x:y", ""];
    const every = scopes.flatMap((one) => names.map((name) => ({ one, name, text: JSON.stringify([one, name]) })));
    for (const { one, name, text } of every)
      ok((await store.putMeta(one, name, Buffer.from(text), undefined, CALL)) !== undefined, text);
    for (const { one, name, text } of every) {
      strictEqual(Buffer.from((await store.getMeta(one, name, CALL))?.bytes ?? []).toString(), text);
    }
    await store.deleteMeta(scope, "x*", CALL);
    for (const { one, name } of every) {
      strictEqual((await store.getMeta(one, name, CALL)) === undefined, one === scope && name === "x*");
    }
  });

  rule("of writers at the same time one wins each round, and none is lost", async (world) => {
    const sessions = await Promise.all([world.open(), world.open(), world.open()]);
    const scope = { project: sessions[0].definitions.project };
    const increment = async ({ store }: Session): Promise<void> => {
      for (let attempt = 0; attempt < 1_000; attempt++) {
        const found = await store.getMeta(scope, "count", CALL);
        const count = found === undefined ? 0 : Number(Buffer.from(found.bytes).toString());
        const put = await store.putMeta(scope, "count", Buffer.from(String(count + 1)), found?.revision, CALL);
        if (put !== undefined) return;
      }
      throw new Error("An increment lost a thousand rounds");
    };
    await Promise.all(Array.from({ length: 18 }, (_, i) => increment(sessions[i % 3] as Session)));
    const found = await sessions[0].store.getMeta(scope, "count", CALL);
    strictEqual(Buffer.from(found?.bytes ?? []).toString(), "18");
  });

  rule("meta is no row: scans do not show it, and what it holds outlives the rows", async (world) => {
    const session = await world.open();
    const scope = { project: session.definitions.project, tenant: "default", view: "notes" };
    await session.store.putMeta(scope, "mine", Uint8Array.of(1), undefined, CALL);
    deepStrictEqual(await session.scan({ tenant: "default" }), []);
    await session.write("notes", [session.row("notes", ["x"], START, { text: "x" })]);
    strictEqual((await session.scan({ tenant: "default" })).length, 1);
    strictEqual(await session.reset({ tenant: "default" }), 1);
    ok((await session.store.getMeta(scope, "mine", CALL)) !== undefined);
  });
}

async function opened(opening: Promise<Session>) {
  const { store, definitions } = await opening;
  return { store, scope: { project: definitions.project } };
}
