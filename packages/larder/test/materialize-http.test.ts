import { test } from "vitest";
import { IN_MEMORY, YAML } from "./definitions.ts";
import { materializeOverHttp } from "./materialize-http.ts";
import { createProject } from "./project.ts";

test.each([
  ["memory", IN_MEMORY],
  ["sqlite", YAML],
])("on %s a server materializes while it serves, refuses a second run, and finds late rows", async (_, yaml) => {
  await using project = await createProject(yaml);
  await materializeOverHttp(project);
});
