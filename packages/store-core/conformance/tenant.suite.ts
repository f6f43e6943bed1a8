import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { isLarderError } from "@larder/schema";
import { definitionsOf, HOSTILE_NAMES, TENANTS, VIEWS } from "./definitions.ts";
import { HOUR, START } from "./harness.ts";
import type { Rules } from "./rules.ts";
import { sameItems } from "./same-items.ts";
import { MISSING, present, type Session, type World } from "./world.ts";

/** Rule 7: rows of different projects, tenants, views and entities never meet; reset and scan touch exactly their scope. */
export function tenant({ rule, capabilities }: Rules): void {
  rule("entities with hostile names are entities of their own", async (world) => {
    const session = await world.open();
    await session.write(
      "notes",
      HOSTILE_NAMES.map((name) => session.row("notes", [name], START, { text: `of ${name}` })),
    );
    const cells = await session.cells(
      ["notes:text"],
      HOSTILE_NAMES.map((shop_id) => ({ shop_id })),
    );
    deepStrictEqual(
      cells,
      HOSTILE_NAMES.map((name) => [present(`of ${name}`)]),
    );
    const scanned = await session.scan({ tenant: "default" });
    deepStrictEqual(scanned.map(({ row }) => row?.entityKey[0]).sort(), HOSTILE_NAMES.toSorted());
    for (const name of ["a*", "a", "[ab]", "%"]) {
      strictEqual(
        await session.reset({ tenant: "default", view: "notes", entityKey: session.entityKey("notes", [name]) }),
        1,
      );
    }
    strictEqual((await session.scan({ tenant: "default" })).length, HOSTILE_NAMES.length - 4);
  });

  rule("projects and views with hostile names are projects and views of their own", async (world) => {
    const names = ["a", "a:b", "a*", "*", "{a}", "a\0", "a%3Ab"];
    const sessions = await Promise.all(
      names.map((project) =>
        world.open(
          definitionsOf({
            project,
            views: names.map((name) => ({ name, joinKeys: { id: "string" }, features: { text: "string" } })),
          }),
        ),
      ),
    );
    const keys = ["a", "b:a", "*"];
    const text = (project: string, view: string, key: string) => JSON.stringify([project, view, key]);
    for (const session of sessions) {
      for (const view of names) {
        const { project } = session.definitions;
        await session.write(
          view,
          keys.map((key) => session.row(view, [key], START, { text: text(project, view, key) })),
        );
      }
    }
    const check = async (gone: (project: string, view: string) => boolean) => {
      for (const session of sessions) {
        const { project } = session.definitions;
        const cells = await session.cells(
          names.map((view) => `${view}:text`).filter(referable),
          keys.map((id) => ({ id })),
        );
        const views = names.filter((view) => referable(`${view}:text`));
        deepStrictEqual(
          cells,
          keys.map((key) => views.map((view) => (gone(project, view) ? MISSING : present(text(project, view, key))))),
        );
        strictEqual(
          (await session.scan({ tenant: "default" })).length,
          keys.length * names.filter((view) => !gone(project, view)).length,
        );
      }
    };
    await check(() => false);
    strictEqual(await sessionOf(sessions, "a*").reset({ tenant: "default", view: "a" }), keys.length);
    await check((project, view) => project === "a*" && view === "a");
    strictEqual(await sessionOf(sessions, "a*").reset({ tenant: "default" }), keys.length * (names.length - 1));
    strictEqual(await sessionOf(sessions, "a").reset({ tenant: "default", view: "*" }), keys.length);
    await check((project, view) => project === "a*" || (project === "a" && view === "*"));
  });

  rule("a reset of one entity leaves the others, in one view or in all", async (world) => {
    const session = await filled(world, ["default"]);
    const one = session.entityKey("usage", [1n]);
    strictEqual(await session.reset({ tenant: "default", view: "usage", entityKey: one }), 1);
    deepStrictEqual(await remaining(session, "default"), ["brief 1", "brief 11", "brief 2", "usage 11", "usage 2"]);
    strictEqual(await session.reset({ tenant: "default", entityKey: session.entityKey("usage", [11n]) }), 2);
    deepStrictEqual(await remaining(session, "default"), ["brief 1", "brief 2", "usage 2"]);
    strictEqual(await session.reset({ tenant: "default", entityKey: session.entityKey("usage", [7n]) }), 0);
  });

  rule("a reset of one view leaves the others, and a second one finds nothing", async (world) => {
    const session = await filled(world, ["default"]);
    strictEqual(await session.reset({ tenant: "default", view: "usage" }), 3);
    strictEqual(await session.reset({ tenant: "default", view: "usage" }), 0);
    deepStrictEqual(await remaining(session, "default"), ["brief 1", "brief 11", "brief 2"]);
  });

  rule("a reset forgets how new its rows were", async (world) => {
    const session = await filled(world, ["default"]);
    await session.reset({ tenant: "default", view: "usage" });
    const older = session.row("usage", [1n], START - 5, { minutes: 9, note: "" });
    deepStrictEqual(await session.outcomes("usage", [older]), ["applied"]);
    deepStrictEqual(await session.cell("usage:minutes", 1n), present(9));
  });

  rule("reset and scan go through thousands of rows and miss none", async (world) => {
    const session = await world.open();
    const customers = Array.from({ length: 2_345 }, (_, i) => BigInt(i));
    for (const view of ["brief", "punctual"]) {
      await session.write(
        view,
        customers.map((customer) => session.row(view, [customer], START, { x: Number(customer) })),
      );
    }
    const scanned = await session.scan({ tenant: "default", view: "brief" });
    sameItems(
      scanned.map(({ row }) => Number(row?.entityKey[0])).sort((a, b) => a - b),
      customers.map(Number),
    );
    strictEqual(await session.reset({ tenant: "default", view: "brief" }), 2_345);
    strictEqual((await session.scan({ tenant: "default" })).length, 2_345);
  });

  rule("a scan shows rows as they were written, whatever their age", async (world) => {
    const session = await world.open();
    const rows = [
      session.row("usage", [1n], START, { minutes: 0.5, note: null }, START - 1),
      session.row("usage", [2n], START - HOUR, { minutes: null, note: "\0" }),
      session.row("usage", [3n], START - 1, undefined),
    ].map((row) => (capabilities.createdTime ? row : { ...row, createdTime: undefined }));
    await session.write("usage", rows);
    world.clock.set(START + HOUR);
    deepStrictEqual(
      await session.scan({ tenant: "default" }),
      rows.map((row) => ({
        view: "usage",
        entityKey: session.entityKey("usage", row.entityKey),
        row,
      })),
    );
  });

  if (!capabilities.tenants) return;

  rule("tenants with hostile names are tenants of their own", async (world) => {
    const session = await world.open();
    for (const [i, name] of HOSTILE_NAMES.entries()) {
      const row = session.row("usage", [1n], START + i, { minutes: i, note: name });
      deepStrictEqual(await session.outcomes("usage", [row], { tenant: name }), ["applied"]);
    }
    const gone = new Set<string>();
    const check = async () => {
      for (const [i, name] of HOSTILE_NAMES.entries()) {
        const expected = gone.has(name) ? MISSING : present(i);
        deepStrictEqual(await session.cell("usage:minutes", 1n, { tenant: name }), expected);
        const notes = (await session.scan({ tenant: name })).map(({ row }) => row?.values?.[1]);
        deepStrictEqual(notes, gone.has(name) ? [] : [name]);
      }
    };
    await check();
    for (const name of ["a*", "a", "[ab]", "%", "a\0", "\u{1f600}", "ö".repeat(99), "a?", "{a}"]) {
      strictEqual(await session.reset({ tenant: name }), 1);
      gone.add(name);
    }
    await check();
  });

  rule("project, tenant, view and entity do not run into each other", async (world) => {
    const names = ["a", "b", "a:b", "b:a"];
    const views = names.map((name) => ({
      name,
      joinKeys: { id: "string" as const },
      features: { text: "string" as const },
    }));
    const tenants = Object.fromEntries(names.map((name) => [name, {}]));
    const sessions = await Promise.all(names.map((project) => world.open(definitionsOf({ project, tenants, views }))));
    const every = sessions.flatMap((session) =>
      names.flatMap((name) =>
        names.map((view) => ({ session, name, view, text: JSON.stringify([session.definitions.project, name, view]) })),
      ),
    );
    for (const { session, name, view, text } of every) {
      const rows = names.map((id) => session.row(view, [id], START, { text: `${text} ${id}` }));
      deepStrictEqual(await session.outcomes(view, rows, { tenant: name }), Array(names.length).fill("applied"));
    }
    for (const { session, name, view, text } of every) {
      const scanned = await session.scan({ tenant: name, view });
      deepStrictEqual(scanned.map(({ row }) => row?.values?.[0]).sort(), names.map((id) => `${text} ${id}`).sort());
    }
  });

  rule("reset and scan touch one tenant", async (world) => {
    const session = await filled(world, ["default", "acme", "defaul", "default2"]);
    strictEqual(
      await session.reset({ tenant: "default", view: "usage", entityKey: session.entityKey("usage", [1n]) }),
      1,
    );
    strictEqual(await session.reset({ tenant: "default", view: "usage" }), 2);
    strictEqual(await session.reset({ tenant: "default" }), 3);
    deepStrictEqual(await remaining(session, "default"), []);
    for (const other of ["acme", "defaul", "default2"]) strictEqual((await remaining(session, other)).length, 6);
  });

  rule("a reset clears its scope's positions, never schemas or what belongs to others", async (world) => {
    const session = await filled(world, ["default", "acme"]);
    const { project } = session.definitions;
    const put = (scope: { tenant?: string; view?: string }, name: string) =>
      session.store.putMeta({ project, ...scope }, name, Buffer.from(name), undefined, { tenant: "default" });
    const has = async (scope: { tenant?: string; view?: string }, name: string) =>
      (await session.store.getMeta({ project, ...scope }, name, { tenant: "default" })) !== undefined;
    for (const owner of ["default", "acme"]) {
      for (const view of ["usage", "brief"]) await put({ tenant: owner, view }, "position");
    }
    await put({}, "applied");
    await session.reset({ tenant: "default", entityKey: session.entityKey("usage", [1n]) });
    strictEqual(await has({ tenant: "default", view: "usage" }, "position"), true);
    await session.reset({ tenant: "default", view: "usage" });
    strictEqual(await has({ tenant: "default", view: "usage" }, "position"), false);
    strictEqual(await has({ tenant: "default", view: "brief" }, "position"), true);
    await session.reset({ tenant: "default" });
    strictEqual(await has({ tenant: "default", view: "brief" }, "position"), false);
    for (const view of ["usage", "brief"]) strictEqual(await has({ tenant: "acme", view }, "position"), true);
    strictEqual(await has({}, "applied"), true);
    deepStrictEqual(await (await world.open()).cell("usage:minutes", 1n, { tenant: "acme" }), present(1));
  });

  rule("a tenant that is not declared is refused everywhere", async (world) => {
    const session = await filled(world, ["default"]);
    const stranger = { tenant: "stranger" };
    const calls: readonly (() => Promise<unknown>)[] = [
      () => session.read(session.plan("usage:minutes"), [{ customer_id: 1n }], undefined, stranger),
      () => session.write("usage", [session.row("usage", [1n], START, undefined)], stranger),
      () => session.reset(stranger),
      () => session.scan(stranger),
    ];
    for (const call of calls) await rejects(call, (error) => isLarderError(error, "UNKNOWN_TENANT"));
  });
}

/** Customers 1, 2 and 11 have a usage and a brief with every tenant. */
async function filled(world: World, tenants: readonly string[]): Promise<Session> {
  const session = await world.open(definitionsOf({ tenants: { ...TENANTS, default2: {}, defaul: {} }, views: VIEWS }));
  for (const name of tenants) {
    for (const customer of [1n, 11n, 2n]) {
      const call = { tenant: name };
      await session.write(
        "usage",
        [session.row("usage", [customer], START, { minutes: Number(customer), note: name })],
        call,
      );
      await session.write("brief", [session.row("brief", [customer], START, { x: 0 })], call);
    }
  }
  return session;
}

async function remaining(session: Session, name: string): Promise<string[]> {
  return (await session.scan({ tenant: name })).map(({ view, row }) => `${view} ${row?.entityKey[0]}`).sort();
}

/** `view:feature` takes the view's name up to the first colon. */
function referable(reference: string): boolean {
  return reference.indexOf(":") === reference.lastIndexOf(":");
}

function sessionOf(sessions: readonly Session[], project: string): Session {
  const found = sessions.find(({ definitions }) => definitions.project === project);
  if (found === undefined) throw new Error(`No session of ${project}`);
  return found;
}
