import { isLarderError, LarderError } from "@larder/schema";
import type { GroupMember } from "./stream-admin.ts";

/** What a broker said, in the protocol's own words, by whichever client: `TOPIC_AUTHORIZATION_FAILED`. */
export interface BrokerRefusal {
  /** The protocol's name of the error; undefined for what is no answer of a broker: a lost connection, a timeout. */
  readonly name: string | undefined;
  /** What was asked of which topic or group, for the message. */
  readonly doing: string;
  readonly cause: unknown;
}

/** Answers that no repetition changes, and what to do about each. */
const REMEDIES: Readonly<Record<string, string>> = {
  UNKNOWN_TOPIC_OR_PARTITION: "Create the topic, or correct its name in the view's stream",
  INVALID_TOPIC_EXCEPTION: "Correct the topic's name in the view's stream",
  TOPIC_AUTHORIZATION_FAILED: "Allow the user Read and Describe on the topic, and Write on its dead-letter topic",
  GROUP_AUTHORIZATION_FAILED: "Allow the user Read on the consumer group, or name another in stream.group_id",
  CLUSTER_AUTHORIZATION_FAILED: "Allow the user what the message names",
  SASL_AUTHENTICATION_FAILED: "Correct stream.sasl: mechanism, username, password",
  UNSUPPORTED_SASL_MECHANISM: "Name a mechanism in stream.sasl that the brokers have enabled",
  ILLEGAL_SASL_STATE: "State stream.sasl, or use a listener of the brokers that asks for no login",
  INVALID_GROUP_ID: "Name a consumer group in stream.group_id",
  INVALID_SESSION_TIMEOUT: "Set stream.session_timeout between the brokers' group.min and group.max.session.timeout.ms",
  INCONSISTENT_GROUP_PROTOCOL:
    "Let all members of the group use the same stream.client, or name another stream.group_id",
  POLICY_VIOLATION: "Let the topic's cleanup.policy contain delete",
  MESSAGE_TOO_LARGE: "Raise max.message.bytes of the topic",
  RECORD_LIST_TOO_LARGE: "Raise max.message.bytes of the topic",
};

const FENCED = new Set(["ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID", "FENCED_INSTANCE_ID", "REBALANCE_IN_PROGRESS"]);

/** The coded error of what a broker or the way to it answered. One that is coded already is kept. */
export function streamError({ name, doing, cause }: BrokerRefusal): LarderError {
  const known = codedCause(cause);
  if (known !== undefined) return known;
  if (name !== undefined && FENCED.has(name)) return fencedError(cause, name);
  const remedy = name === undefined ? undefined : REMEDIES[name];
  if (name !== undefined && remedy !== undefined) {
    const facts = { reason: name };
    return new LarderError("STREAM_MISCONFIGURED", { what: `Kafka refuses ${doing}: ${name}`, remedy, facts, cause });
  }
  return new LarderError("STREAM_UNAVAILABLE", {
    what: `Kafka could not be asked for ${doing}${name === undefined ? "" : `: ${name}`}`,
    remedy: "See that the brokers run and can be reached at stream.brokers; the call may be repeated",
    facts: name === undefined ? {} : { reason: name },
    cause,
  });
}

/** The error of a commit by a member whose generation is over. */
export function fencedError(cause?: unknown, name = "ILLEGAL_GENERATION"): LarderError {
  return new LarderError("STREAM_FENCED", {
    what: "The partitions were given to another member of the group, so the commit was refused",
    remedy: "Nothing is lost: whoever has them now reads the records again",
    facts: { reason: name },
    cause,
  });
}

/** The error of moving the offsets of a group that somebody reads in. Names the first members. */
export function groupActiveError(groupId: string, members: readonly GroupMember[]): LarderError {
  const names = members.slice(0, NAMED).map(({ id, host }) => `${id} (${host})`);
  const more = members.length > NAMED ? ` and ${members.length - NAMED} more` : "";
  return new LarderError("STREAM_GROUP_ACTIVE", {
    what: `Group ${groupId} has running members: ${names.join(", ")}${more}`,
    remedy: "Stop them first; a process that was killed counts until stream.session_timeout is over",
    facts: { group: groupId, members: members.map(({ id }) => id) },
  });
}

const NAMED = 5;

/** The error of every call after close. */
export function closedError(what: string): LarderError {
  return new LarderError("STREAM_CLOSED", { what: `${what} is closed`, remedy: "Open another" });
}

/** The error of a package that is not installed. */
export function missingPackages(client: string, install: string, cause: unknown): LarderError {
  return new LarderError("MISSING_DEPENDENCY", {
    what: `Reading a stream with ${client} needs a package that could not be loaded`,
    remedy: `Run \`npm install ${install}\``,
    facts: { package: client },
    cause,
  });
}

/** The first coded error among an error and its causes: clients wrap what is thrown inside them. */
function codedCause(error: unknown): LarderError | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 10; at = at.cause, depth++) {
    if (isLarderError(at)) return at;
  }
  return undefined;
}
