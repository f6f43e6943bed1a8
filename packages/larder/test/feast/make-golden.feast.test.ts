import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { runProcess, startRedis, temporaryFolder } from "@larder/testkit";
import { expect, test } from "vitest";
import { importFeast } from "../../src/import-feast/import-feast.ts";
import { DIFFERENCES, STRICT_DIFFERENCES } from "./differences.ts";
import { golden, recordedEverything, recordedTelco } from "./golden.ts";
import { replay } from "./replay.ts";

/** Longest that Python takes to load Feast, and to apply, write and read. */
const MS = 240_000;

test("apply and write by a real Feast, import its registry, and answer what it answers", async () => {
  await using redis = await startRedis();
  await using folder = await temporaryFolder();
  const cache = process.env["LARDER_CACHE"] ?? "";
  const python = join(cache, "servers", "feast", "bin", "python");
  const args = [golden("make_golden.py"), String(redis.port), folder.path];
  const env = { PYTHONDONTWRITEBYTECODE: "1" };
  const { code, stderr } = await runProcess(python, args, { cwd: folder.path, env, ms: MS });
  expect(code, stderr.slice(-2_000)).toBe(0);

  const fresh = [recordedTelco(folder.path), recordedEverything(folder.path)];
  // What the golden files hold is replayed beside this; only answers are new in each run, in the order of their columns.
  await replay(redis, recordedEverything(folder.path), { prefix: "", differences: DIFFERENCES });
  await replay(redis, recordedEverything(folder.path), { prefix: "/feast", differences: STRICT_DIFFERENCES });
  const kept = [recordedTelco(), recordedEverything()];
  expect(fresh.map(({ rows }) => rows)).toEqual(kept.map(({ rows }) => rows));
  const texts = await Promise.all(
    [...fresh, ...kept].map(async ({ registry, project }, i) => {
      const out = join(folder.path, `${i}.yaml`);
      await importFeast({ from: registry, out, project, env: {} });
      return readFile(out, "utf8");
    }),
  );
  expect(texts.slice(0, 2)).toEqual(texts.slice(2));
}, 600_000);
