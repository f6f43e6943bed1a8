import { posix } from "node:path";
import { LarderError } from "@larder/schema";

/** Where an object is. */
export interface ObjectAddress {
  readonly bucket: string;
  /** Without leading slash; empty for the whole bucket. */
  readonly key: string;
}

/** Whether a path is an address in S3. */
export function isObjectUrl(path: string): boolean {
  return /^s3:\/\//i.test(path);
}

/** @throws INVALID_REQUEST for one that names no bucket */
export function readObjectUrl(url: string): ObjectAddress {
  const [, bucket, key = ""] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/is.exec(url) ?? [];
  if (bucket !== undefined) return { bucket, key };
  throw new LarderError("INVALID_REQUEST", {
    what: `"${url.slice(0, 200)}" names no bucket`,
    remedy: "Write s3://BUCKET/KEY; buckets have 3 to 63 small letters, digits, dots and dashes",
    facts: { path: url.slice(0, 200) },
  });
}

/** The address of an object. */
export function objectUrl({ bucket, key }: ObjectAddress): string {
  return `s3://${bucket}/${key}`;
}

/** A path below an address, which may lead out of the address but not out of its bucket. @throws INVALID_REQUEST */
export function objectBelow(root: string, path: string): string {
  if (isObjectUrl(path)) return path;
  const { bucket, key } = readObjectUrl(root);
  const below = posix.normalize(posix.join("/", key)).slice(1);
  const joined = posix.normalize(below === "" ? path : `${below}/${path}`);
  if (joined !== ".." && !joined.startsWith("../")) return objectUrl({ bucket, key: joined === "." ? "" : joined });
  throw new LarderError("INVALID_REQUEST", {
    what: `"${path}" leads out of the bucket of ${root}`,
    remedy: "Write a path within it",
    facts: { path },
  });
}

/** @throws UNSUPPORTED for a path in a store that is neither S3 nor the machine's own files */
export function refuseOtherStores(path: string): void {
  if (isObjectUrl(path) || !/^[a-z][a-z0-9+.-]*:\/\//i.test(path)) return;
  throw new LarderError("UNSUPPORTED", {
    what: `"${path}" is in a store that Larder does not read`,
    remedy: "Copy the files to S3 or to a local folder and give its path",
    facts: { path },
  });
}
