import { readFile } from "node:fs/promises";
import { LarderError, type StreamConfig } from "@larder/schema";

/** The contents of the files that `stream.tls` names; what it does not name is absent. */
export interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Reads them. @throws CONFIG_UNREADABLE */
export async function readTlsFiles(tls: NonNullable<StreamConfig["tls"]>): Promise<TlsFiles> {
  const entries = await Promise.all(
    (["ca", "cert", "key"] as const).map(async (name) => {
      const path = tls[name];
      return path === undefined ? [] : [[name, await read(`stream.tls.${name}`, path)] as const];
    }),
  );
  return Object.fromEntries(entries.flat());
}

async function read(field: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new LarderError("CONFIG_UNREADABLE", {
      what: `${field} names ${path}, which can't be read`,
      remedy: "Name a PEM file that this user can read",
      facts: { field },
      cause,
    });
  }
}
