import { join } from "node:path";
import { propertySettings, type S3Server, startS3, temporaryFolder } from "@larder/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildTrainingSet, type OfflineEngine } from "../../src/index.ts";
import { history, writeHistory } from "../point-in-time/random-history.ts";
import { makeDefinitions, refsOf } from "../support/make-definitions.ts";
import { testEngine } from "../support/parquet.ts";
import { s3Of, uploadFolder } from "../support/s3-scene.ts";
import { bytesOf } from "../support/training-set.ts";

let server: S3Server;
let engine: OfflineEngine;
beforeAll(async () => {
  server = await startS3();
  engine = await testEngine();
});
afterAll(async () => {
  await engine.close();
  await server.stop();
});

test("any history joins in S3 as it does in local files, byte for byte, by httpfs and from copies", async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(history, fc.constantFrom("event_time" as const, "bitemporal" as const), async (history, asOf) => {
      await using folder = await temporaryFolder();
      const { views } = await writeHistory(engine, folder.path, history);
      const root = `s3://lake/history-${run++}`;
      const s3 = s3Of(server, folder.path);
      await uploadFolder(s3, folder.path, root);
      const local = makeDefinitions(
        folder.path,
        views.map(({ view }) => view),
      );
      const train = async (definitions: typeof local, name: string) => {
        const { out, manifest } = await buildTrainingSet({
          definitions,
          features: views.flatMap(({ view, asked }) => refsOf(view, { features: asked })),
          fullFeatureNames: true,
          entities: definitions === local ? join(folder.path, "entities.parquet") : `${root}/entities.parquet`,
          out: join(folder.path, `${name}.parquet`),
          asOf,
          tenant: "default",
          engine,
        });
        const counts = manifest.views.map(({ rule, matched, unjoinable }) => ({ rule, matched, unjoinable }));
        return { bytes: bytesOf(out), counts, reader: manifest.object_reader };
      };
      const { bytes, counts } = await train(local, "local");
      for (const reader of ["httpfs", "stage"] as const) {
        const offlineStore = { type: "duckdb" as const, path: root, s3: { ...s3, reader } };
        expect(await train({ ...local, offlineStore }, reader)).toEqual({ bytes, counts, reader });
      }
    }),
    { ...propertySettings(4), endOnFailure: true },
  );
});
