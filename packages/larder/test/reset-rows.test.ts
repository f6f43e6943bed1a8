import { test } from "vitest";
import { createProject } from "./project.ts";
import { resetsWithoutHoles } from "./reset-rows.ts";

test("on sqlite a reset that is stopped, or meets a materialize, leaves no hole", async () => {
  await using project = await createProject();
  await resetsWithoutHoles(project, "{ type: sqlite, path: online.db, deadline: 5s, write_deadline: 5s }");
});
