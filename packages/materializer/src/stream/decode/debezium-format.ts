import { type Fields, isFields, type Payload } from "./payload.ts";
import { invalid, type Refused, unreadable } from "./refused.ts";

const PLACEHOLDER = "__debezium_unavailable_value";

/** What Debezium writes, as text and as bytes, for a value that its database did not hand out: the row is not whole. */
export const UNAVAILABLE: ReadonlySet<unknown> = new Set([PLACEHOLDER, Buffer.from(PLACEHOLDER).toString("base64")]);

/**
 * Reads Debezium's change event: `op` c (create), u (update), r (read by a snapshot) bring the row after the change, d (delete) takes away the one
 * before. An empty one stands for a tombstone.
 */
export function readChangeEvent(message: Fields): Payload | Refused {
  const envelope = withoutSchema(message);
  if (envelope === null) return { fields: undefined, deleted: true, envelope: undefined, unnamed: 0 };
  if (!isFields(envelope) || typeof envelope["op"] !== "string") {
    return unreadable("op", "is missing", "Read a topic of Debezium's change events, or correct the format");
  }
  const { op, before, after } = envelope;
  switch (op) {
    case "c":
    case "u":
    case "r":
      if (!isFields(after))
        return invalid("after", "has no row", "Check the connector: a change brings the row after it");
      return { fields: after, deleted: false, envelope, unnamed: 0 };
    case "d":
      return { fields: isFields(before) ? before : undefined, deleted: true, envelope, unnamed: 0 };
    case "t":
      return invalid(
        "op",
        "is a truncation, which names no entity",
        "Set skipped.operations of the connector, and reset the view",
      );
    default:
      return invalid("op", "is no change of a row", "Read a topic of a table");
  }
}

/** What is inside of the wrapper that Kafka Connect's JSON converter adds with schemas.enable. */
export function withoutSchema(message: Fields): unknown {
  return "payload" in message && "schema" in message && Object.keys(message).length === 2
    ? message["payload"]
    : message;
}
