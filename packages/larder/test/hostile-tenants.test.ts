import { test } from "vitest";
import { refusesLongNames, tenantsNeverMeet, tenantsNeverMeetOffline } from "./hostile-tenants.ts";
import { createProject } from "./project.ts";

test.each([
  ["memory", "{ type: memory }"],
  ["sqlite", "{ type: sqlite, path: online.db, deadline: 5s, write_deadline: 5s }"],
])("on %s tenants with hostile names never meet", async (_, onlineStore) => {
  await using project = await createProject();
  await tenantsNeverMeet(project, onlineStore);
});

test("a tenant's name of more than 200 bytes is refused at load", async () => {
  await using project = await createProject();
  await refusesLongNames(project);
});

test("offline tenants with hostile names never meet, by folder or by column", async () => {
  await using project = await createProject();
  await tenantsNeverMeetOffline(project);
});
