import { readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import type { S3Config } from "@larder/schema";
import type { S3Server } from "@larder/testkit";
import { ObjectStore } from "../../src/object-store/object-store.ts";
import { makeS3 } from "./make-definitions.ts";

/** How definitions reach a test's server. */
export function s3Of(server: S3Server, folder: string, own: Partial<S3Config> = {}): S3Config {
  return makeS3(folder, {
    endpoint: server.endpoint,
    credentials: {
      accessKeyId: server.accessKeyId,
      secretAccessKey: server.secretAccessKey,
      sessionToken: undefined,
    },
    httpfsExtension: server.httpfsExtension,
    ...own,
  });
}

/** Puts every file below a folder under the same name into S3. */
export async function uploadFolder(s3: S3Config, folder: string, url: string): Promise<void> {
  await using objects = new ObjectStore(s3);
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const path = join(folder, name);
    if (statSync(path).isFile()) await objects.upload(path, `${url}/${relative(folder, path)}`, undefined);
  }
}

/** Keys of all objects below an address, in order. */
export async function keysBelow(s3: S3Config, url: string): Promise<string[]> {
  await using objects = new ObjectStore(s3);
  return (await objects.list(url, undefined)).map(({ key }) => key);
}
