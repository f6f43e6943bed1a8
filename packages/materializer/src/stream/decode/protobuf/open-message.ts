import { readFileSync } from "node:fs";
import { createFileRegistry, type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { LarderError, type StreamSource } from "@larder/schema";

/** The descriptor of the message that a view's records are. @throws STREAM_MISCONFIGURED where the descriptor set cannot be read or has no such message */
export function openMessage({ descriptorSet = "", message: name = "", place }: StreamSource): DescMessage {
  const fail = (what: string, remedy: string, cause?: unknown): LarderError =>
    new LarderError("STREAM_MISCONFIGURED", {
      what: `${place}: ${what}`,
      remedy,
      facts: { place, file: descriptorSet },
      ...(cause === undefined ? {} : { cause }),
    });
  const make = "Make it with protoc --include_imports --descriptor_set_out";
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(descriptorSet);
  } catch (cause) {
    throw fail(`the descriptor set ${descriptorSet} cannot be read`, make, cause);
  }
  let message: DescMessage | undefined;
  try {
    message = createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes)).getMessage(name);
  } catch (cause) {
    throw fail(`the file ${descriptorSet} is no whole descriptor set`, make, cause);
  }
  if (message === undefined) {
    throw fail(`the descriptor set ${descriptorSet} has no message "${name}"`, "Write its full name, with its package");
  }
  return message;
}

/** Where a message stands in its file: its index, or those of the messages around it and its own. Confluent's framing names a message so. */
export function messageIndexes(message: DescMessage): readonly number[] {
  const { parent, file } = message;
  return parent === undefined
    ? [file.messages.indexOf(message)]
    : [...messageIndexes(parent), parent.nestedMessages.indexOf(message)];
}
