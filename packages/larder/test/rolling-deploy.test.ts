import { test } from "vitest";
import { rollingDeploy } from "./rolling-deploy.ts";

test("on SQLite, processes of old and new definitions read and write each other's rows under load", () =>
  rollingDeploy("{ type: sqlite, path: online.db, deadline: 10s, write_deadline: 10s }", 30));
