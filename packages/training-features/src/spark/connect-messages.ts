import type { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";

/*
 * The few messages of Spark Connect's protocol (spark/connect/{base,commands,relations}.proto) that a join needs, written and read by their field
 * numbers: those numbers are the protocol's promise, and the whole of it is ten files.
 */

/** Protobuf's writer and reader, imported when Spark is first needed. */
export interface Wire {
  readonly BinaryWriter: new () => BinaryWriter;
  readonly BinaryReader: new (bytes: Uint8Array) => BinaryReader;
}

/** Something to run. `files`: Parquet where the cluster sees it. `rows`: an Arrow IPC stream that travels with the request. */
export type SparkRelation =
  | { readonly kind: "sql"; readonly sql: string }
  | {
      readonly kind: "files";
      readonly path: string;
      /** Columns to read and their types, as `name TYPE, …`; default: what the files say. */
      readonly schema?: string;
      readonly options: Readonly<Record<string, string>>;
    }
  | { readonly kind: "rows"; readonly arrow: Uint8Array };

/** What is executed: a query, a statement for its effect, or the naming of a relation. */
export type SparkPlan =
  | { readonly kind: "query"; readonly sql: string }
  | { readonly kind: "command"; readonly sql: string }
  | { readonly kind: "view"; readonly name: string; readonly relation: SparkRelation };

/** Who asks: every request carries it. */
export interface SparkCaller {
  readonly sessionId: string;
  readonly userId: string;
}

/** One message of an execution. */
export interface ExecuteResponse {
  readonly responseId: string;
  /** An Arrow IPC stream. */
  readonly arrow: Uint8Array | undefined;
  /** Tasks that the server says are done, of those it knows of. */
  readonly progress: { readonly done: number; readonly total: number } | undefined;
  /** The last message of an execution that ended well. */
  readonly complete: boolean;
}

/** `operationId` names the execution, to interrupt it or to attach to it again. */
export function executeRequest(wire: Wire, caller: SparkCaller, operationId: string, plan: SparkPlan): Uint8Array {
  return new Writer(wire)
    .text(1, caller.sessionId)
    .message(2, userContext(wire, caller))
    .message(3, planMessage(wire, plan))
    .text(4, CLIENT)
    .message(5, new Writer(wire).message(1, new Writer(wire).flag(1, true)))
    .text(6, operationId).bytes;
}

/** Goes on with an execution after the response that came last. */
export function reattachRequest(
  wire: Wire,
  caller: SparkCaller,
  operationId: string,
  lastResponseId: string | undefined,
): Uint8Array {
  const writer = requestOf(wire, caller).text(3, operationId).text(4, CLIENT);
  return (lastResponseId === undefined ? writer : writer.text(5, lastResponseId)).bytes;
}

/** Lets the server forget an execution's responses: up to one, or all. */
export function releaseExecuteRequest(
  wire: Wire,
  caller: SparkCaller,
  operationId: string,
  until: string | undefined,
): Uint8Array {
  const writer = requestOf(wire, caller).text(3, operationId).text(4, CLIENT);
  const release = until === undefined ? new Writer(wire) : new Writer(wire).text(1, until);
  return writer.message(until === undefined ? 5 : 6, release).bytes;
}

/** Stops one execution. */
export function interruptRequest(wire: Wire, caller: SparkCaller, operationId: string): Uint8Array {
  return requestOf(wire, caller).text(3, CLIENT).number(4, BY_OPERATION_ID).text(6, operationId).bytes;
}

/** Ends the session with its views. */
export function releaseSessionRequest(wire: Wire, caller: SparkCaller): Uint8Array {
  return requestOf(wire, caller).text(3, CLIENT).bytes;
}

/** Sets settings of the session. */
export function configRequest(wire: Wire, caller: SparkCaller, settings: Readonly<Record<string, string>>): Uint8Array {
  const set = new Writer(wire);
  for (const [key, value] of Object.entries(settings)) set.message(1, new Writer(wire).text(1, key).text(2, value));
  return requestOf(wire, caller).message(3, new Writer(wire).message(1, set)).text(4, CLIENT).bytes;
}

/** Asks for a failure's causes, by the id that came with it. */
export function errorDetailsRequest(wire: Wire, caller: SparkCaller, errorId: string): Uint8Array {
  return requestOf(wire, caller).text(3, errorId).text(4, CLIENT).bytes;
}

/** Reads the messages of a failure and of its causes, the outermost first. */
export function readErrorDetails(wire: Wire, bytes: Uint8Array): string[] {
  const messages: string[] = [];
  eachField(wire, bytes, (field, reader) => {
    if (field !== 2) return false;
    messages.push(readTexts(wire, reader.bytes()).get(2) ?? "");
    return true;
  });
  return messages;
}

/** Reads the id of a failure from the google.rpc.Status that came with it; undefined where the server keeps no causes. */
export function readErrorId(wire: Wire, status: Uint8Array): string | undefined {
  let id: string | undefined;
  const each = (bytes: Uint8Array, wanted: number, read: (inner: Uint8Array) => void): void =>
    eachField(wire, bytes, (field, reader) => {
      if (field !== wanted) return false;
      read(reader.bytes());
      return true;
    });
  // Status.details, of them Any.value, an ErrorInfo with its metadata as pairs of key and value.
  each(status, 3, (any) =>
    each(any, 2, (info) =>
      each(info, 3, (pair) => {
        const texts = readTexts(wire, pair);
        if (texts.get(1) === "errorId") id = texts.get(2);
      }),
    ),
  );
  return id;
}

/** Reads one message of an execution; what it does not know it skips. */
export function readExecuteResponse(wire: Wire, bytes: Uint8Array): ExecuteResponse {
  let responseId = "";
  let arrow: Uint8Array | undefined;
  let progress: ExecuteResponse["progress"];
  let complete = false;
  eachField(wire, bytes, (field, reader) => {
    if (field === 13) responseId = reader.string();
    else if (field === 2) arrow = readArrow(wire, reader.bytes());
    else if (field === 18) progress = readProgress(wire, reader.bytes());
    else if (field === 14) complete = reader.bytes().length >= 0;
    else return false;
    return true;
  });
  return { responseId, arrow, progress, complete };
}

const CLIENT = "larder";
const BY_OPERATION_ID = 3;

function requestOf(wire: Wire, caller: SparkCaller): Writer {
  return new Writer(wire).text(1, caller.sessionId).message(2, userContext(wire, caller));
}

function userContext(wire: Wire, { userId }: SparkCaller): Writer {
  return new Writer(wire).text(1, userId).text(2, userId);
}

function planMessage(wire: Wire, plan: SparkPlan): Writer {
  switch (plan.kind) {
    case "query":
      return new Writer(wire).message(1, relationMessage(wire, { kind: "sql", sql: plan.sql }));
    case "command": {
      const input = relationMessage(wire, { kind: "sql", sql: plan.sql });
      return new Writer(wire).message(2, new Writer(wire).message(5, new Writer(wire).message(6, input)));
    }
    case "view": {
      const view = new Writer(wire).message(1, relationMessage(wire, plan.relation)).text(2, plan.name).flag(4, true);
      return new Writer(wire).message(2, new Writer(wire).message(3, view));
    }
  }
}

function relationMessage(wire: Wire, relation: SparkRelation): Writer {
  const writer = new Writer(wire);
  switch (relation.kind) {
    case "sql":
      return writer.message(10, new Writer(wire).text(1, relation.sql));
    case "rows":
      return writer.message(11, new Writer(wire).blob(1, relation.arrow));
    case "files": {
      const source = new Writer(wire).text(1, "parquet");
      for (const [key, value] of Object.entries(relation.options)) {
        source.message(3, new Writer(wire).text(1, key).text(2, value));
      }
      if (relation.schema !== undefined) source.text(2, relation.schema);
      source.text(4, relation.path);
      return writer.message(2, new Writer(wire).message(2, source));
    }
  }
}

function readArrow(wire: Wire, bytes: Uint8Array): Uint8Array | undefined {
  let data: Uint8Array | undefined;
  eachField(wire, bytes, (field, reader) => {
    if (field !== 2) return false;
    data = reader.bytes();
    return true;
  });
  return data;
}

function readProgress(wire: Wire, bytes: Uint8Array): { done: number; total: number } {
  let done = 0;
  let total = 0;
  eachField(wire, bytes, (field, reader) => {
    if (field !== 1) return false;
    eachField(wire, reader.bytes(), (inner, stage) => {
      if (inner === 2) total += Number(stage.int64());
      else if (inner === 3) done += Number(stage.int64());
      else return false;
      return true;
    });
    return true;
  });
  return { done, total };
}

/** Fields 1 and 2 of a message that has text in both. */
function readTexts(wire: Wire, bytes: Uint8Array): ReadonlyMap<number, string> {
  const texts = new Map<number, string>();
  eachField(wire, bytes, (field, reader) => {
    if (field > 2) return false;
    texts.set(field, reader.string());
    return true;
  });
  return texts;
}

/** Calls `read` for every field; one that it does not read is skipped. */
function eachField(wire: Wire, bytes: Uint8Array, read: (field: number, reader: BinaryReader) => boolean): void {
  const reader = new wire.BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (!read(field, reader)) reader.skip(type, field);
  }
}

const VARINT = 0;
const LENGTH_DELIMITED = 2;

/** Writes fields one after the other. */
class Writer {
  readonly #writer: BinaryWriter;

  constructor(wire: Wire) {
    this.#writer = new wire.BinaryWriter();
  }

  get bytes(): Uint8Array {
    return this.#writer.finish();
  }

  text(field: number, value: string): this {
    this.#writer.tag(field, LENGTH_DELIMITED).string(value);
    return this;
  }

  blob(field: number, value: Uint8Array): this {
    this.#writer.tag(field, LENGTH_DELIMITED).bytes(value);
    return this;
  }

  message(field: number, value: Writer): this {
    return this.blob(field, value.bytes);
  }

  number(field: number, value: number): this {
    this.#writer.tag(field, VARINT).int32(value);
    return this;
  }

  flag(field: number, value: boolean): this {
    this.#writer.tag(field, VARINT).bool(value);
    return this;
  }
}
