import { type DescMessage, fromBinary, type Message } from "@bufbuild/protobuf";
import { LarderError } from "@larder/schema";
import type { ImportNotes } from "./import-notes.ts";
import {
  EntitySpecV2Schema,
  FeatureServiceSpecSchema,
  FeatureSpecV2Schema,
  FeatureViewSpecSchema,
  type Registry,
  RegistrySchema,
  StreamFeatureViewSpecSchema,
} from "./protos/registry_pb.ts";

/** Levels of messages inside messages; Feast's registries have six. */
const MAX_DEPTH = 32;

/**
 * Reads the bytes of a Feast registry.
 * @throws CONFIG_UNREADABLE for bytes that are none: cut, nested too deep, or of something else
 */
export function readRegistry(bytes: Uint8Array, file: string): Registry {
  let registry: Registry;
  try {
    registry = fromBinary(RegistrySchema, bytes, { recursionLimit: MAX_DEPTH });
  } catch (cause) {
    throw notARegistry(file, cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (registry.registrySchemaVersion !== "1") {
    const version = registry.registrySchemaVersion.slice(0, 20);
    throw notARegistry(
      file,
      version === "" ? "it names no schema version" : `schema version ${JSON.stringify(version)}`,
    );
  }
  // Feast writes projects among the last, and writes its file in place: a reader can come in between.
  if (registry.projects.length === 0 && registry.projectMetadata.length === 0) {
    throw notARegistry(file, "it names no project: it is empty, or was cut");
  }
  return registry;
}

/** Messages of which every field of Feast 0.67.0 is known; others are read in part. */
const WHOLE: readonly DescMessage[] = [
  RegistrySchema,
  EntitySpecV2Schema,
  FeatureSpecV2Schema,
  FeatureViewSpecSchema,
  StreamFeatureViewSpecSchema,
  FeatureServiceSpecSchema,
];

/** Notes what a newer Feast wrote into a message and this version does not know. */
export function noteUnknown(message: Message, subject: string, notes: ImportNotes): void {
  const known = WHOLE.find((each) => each.typeName === message.$typeName);
  if (known === undefined) return;
  const numbers = [...new Set(message.$unknown?.map(({ no }) => no))];
  if (numbers.length === 0) return;
  notes.leftOut(
    subject,
    `has fields that Feast 0.67.0 does not have (${known.name} ${numbers.slice(0, 10).join(", ")})`,
  );
}

function notARegistry(file: string, why: string, cause?: unknown): LarderError {
  return new LarderError("CONFIG_UNREADABLE", {
    what: `${file} is not the registry of a Feast (${why})`,
    remedy: "Name the file that `feast apply` writes (registry.db), or the folder of the Feast repository",
    facts: { file },
    ...(cause === undefined ? {} : { cause }),
  });
}
