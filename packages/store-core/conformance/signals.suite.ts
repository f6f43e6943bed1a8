import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { isLarderError } from "@larder/schema";
import { type FreshnessSignal, readWatermark, type Subscription } from "../src/signals/signals.ts";
import { HOSTILE_NAMES } from "./definitions.ts";
import { HOUR, MINUTE, SECOND, START } from "./harness.ts";
import type { Rules } from "./rules.ts";
import type { Session } from "./world.ts";

/** Freshness signals: what a store says of writes, where it does. */
export function signals({ rule, capabilities }: Rules): void {
  if (!capabilities.signals) {
    rule("a store that sends none says so", async (world) => {
      const { store } = await world.open();
      await failsWith("UNSUPPORTED", store.subscribe({ tenant: "default" }, { tenant: "default" }));
    });
    return;
  }

  rule("a write of any process is told, with its watermark, and only what was stored moves it", async (world) => {
    const [writer, reader] = [await world.open(), await world.open()];
    const heard = subscribe(reader, "notes");
    deepStrictEqual(await take(heard), gap("notes", "subscribed"));
    await writer.write("notes", [note(writer, "a", START - HOUR), note(writer, "b", START - MINUTE)]);
    const { sequence, ...first } = moved(await take(heard));
    const wanted = { kind: "moved", tenant: "default", view: "notes", eventTime: START - MINUTE, writeTime: START };
    deepStrictEqual(first, { ...wanted, entityKeys: ["sa", "sb"] });
    deepStrictEqual(await markOf(reader, "notes"), { eventTime: START - MINUTE, writeTime: START, sequence });
    world.clock.set(START + SECOND);
    // Stale: nothing to tell. Older than the watermark, and new: told, and the watermark's event time stays.
    await writer.write("notes", [note(writer, "b", START - HOUR)]);
    await writer.write("notes", [note(writer, "c", START - HOUR)]);
    const second = moved(await take(heard));
    ok(second.sequence > sequence);
    deepStrictEqual([second.entityKeys, second.eventTime, second.writeTime], [["sc"], START - MINUTE, START + SECOND]);
    await heard.return?.();
  });

  rule("the watermark never passes now", async (world) => {
    const session = await world.open();
    const heard = subscribe(session, "notes");
    await take(heard);
    await session.write("notes", [note(session, "a", START + MINUTE)]);
    deepStrictEqual(moved(await take(heard)).eventTime, START);
    await heard.return?.();
  });

  rule("a subscription without a view hears every view", async (world) => {
    const session = await world.open();
    const heard = session.store.subscribe({ tenant: "default" }, { tenant: "default" });
    for (const _ of session.definitions.views) strictEqual((await take(heard)).kind, "gap");
    await session.write("notes", [note(session, "a")]);
    await session.write("rates", [session.row("rates", [], START, { rate: 1 })]);
    const told = [moved(await take(heard)), moved(await take(heard))];
    deepStrictEqual(told.map(({ view, entityKeys }) => [view, entityKeys]).sort(), [
      ["notes", ["sa"]],
      ["rates", [""]],
    ]);
    await heard.return?.();
  });

  if (capabilities.tenants) {
    rule("tenants do not hear each other, whatever their names", async (world) => {
      const session = await world.open();
      const names = [...HOSTILE_NAMES];
      const all = names.map((tenant) => session.store.subscribe({ tenant, view: "notes" }, { tenant }));
      for (const heard of all) strictEqual((await take(heard)).kind, "gap");
      for (const tenant of names) await session.write("notes", [note(session, "a")], { tenant });
      for (const [index, heard] of all.entries()) {
        deepStrictEqual(moved(await take(heard)).tenant, names[index]);
        await session.write("notes", [note(session, "b")], { tenant: names[index] as string });
        deepStrictEqual(moved(await take(heard)).entityKeys, ["sb"]);
        await heard.return?.();
      }
    });
  }

  rule("a reset is told, and clears the watermark", async (world) => {
    const session = await world.open();
    const heard = subscribe(session, "notes");
    await take(heard);
    await session.write("notes", [note(session, "a")]);
    await take(heard);
    await session.store.reset({ tenant: "default", view: "notes" }, { tenant: "default" });
    deepStrictEqual(await take(heard), gap("notes", "reset"));
    strictEqual(await markOf(session, "notes"), undefined);
    await heard.return?.();
  });

  rule("a subscription ends with its signal, its deadline, its store, and when it is left", async (world) => {
    const session = await world.open();
    const call = { tenant: "default" };
    const scope = { tenant: "default", view: "notes" };
    const controller = new AbortController();
    const aborted = session.store.subscribe(scope, { ...call, signal: controller.signal });
    strictEqual((await take(aborted)).kind, "gap");
    const waiting = failsWith("ABORTED", aborted);
    controller.abort();
    await waiting;
    await failsWith("ABORTED", session.store.subscribe(scope, { ...call, signal: AbortSignal.abort() }));
    await failsWith("STORE_TIMEOUT", session.store.subscribe(scope, { ...call, deadline: performance.now() - 1 }));
    for await (const _ of session.store.subscribe(scope, call)) break;
    const left = session.store.subscribe(scope, call);
    await take(left);
    await left.return?.();
    strictEqual((await left.next()).done, true);
    const open = session.store.subscribe(scope, call);
    await take(open);
    await Promise.all([failsWith("STORE_CLOSED", open), session.store.close()]);
    await failsWith("STORE_CLOSED", session.store.subscribe(scope, call));
  });

  rule("only declared tenants and views can be subscribed to", async (world) => {
    const { store } = await world.open();
    await failsWith("UNKNOWN_VIEW", store.subscribe({ tenant: "default", view: "none" }, { tenant: "default" }));
    await failsWith("UNKNOWN_TENANT", store.subscribe({ tenant: "nobody" }, { tenant: "default" }));
  });
}

function note(session: Session, shop: string, eventTime = START) {
  return session.row("notes", [shop], eventTime, { text: shop });
}

function subscribe({ store }: Session, view: string): Subscription {
  return store.subscribe({ tenant: "default", view }, { tenant: "default" });
}

function markOf({ store, definitions }: Session, view: string) {
  return readWatermark(store, { project: definitions.project, tenant: "default", view }, { tenant: "default" });
}

function gap(view: string, cause: string) {
  return { kind: "gap", tenant: "default", view, cause, watermark: undefined };
}

async function take(heard: Subscription): Promise<FreshnessSignal> {
  const { value } = await heard.next();
  if (value === undefined) throw new Error("The subscription has ended");
  return value;
}

function moved(signal: FreshnessSignal): Extract<FreshnessSignal, { kind: "moved" }> {
  strictEqual(signal.kind, "moved", JSON.stringify(signal));
  return signal as Extract<FreshnessSignal, { kind: "moved" }>;
}

async function failsWith(code: Parameters<typeof isLarderError>[1], heard: Subscription): Promise<void> {
  await rejects(heard.next(), (error) => {
    ok(isLarderError(error, code as NonNullable<typeof code>), String(error));
    return true;
  });
}
