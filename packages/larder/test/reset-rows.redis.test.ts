import { startRedis } from "@larder/testkit";
import { test } from "vitest";
import { createProject } from "./project.ts";
import { resetsWithoutHoles } from "./reset-rows.ts";

test.each(["packed", "feast"])(
  "on Redis, layout %s, a reset that is stopped, or meets a materialize, leaves no hole",
  async (layout) => {
    await using redis = await startRedis();
    await using project = await createProject();
    const at = `connection_string: "${redis.connectionString}", deadline: 5s, write_deadline: 5s`;
    await resetsWithoutHoles(project, `{ type: redis, layout: ${layout}, ${at} }`);
  },
);
