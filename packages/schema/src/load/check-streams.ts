import type { RecordField } from "../definitions.ts";
import { show } from "../fault.ts";
import { readRecordField } from "../record-field.ts";
import { type CheckContext, type LooseView, present } from "./check-context.ts";
import { TENANT } from "./compile-stream.ts";

type LooseStream = NonNullable<LooseView["stream"]>;

/** What Kafka takes for the name of a topic. */
const TOPIC = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/;

/** Checks what a view says of its stream; its columns are checked with the view's others. */
export function checkStream(context: CheckContext, view: LooseView, viewPath: string): void {
  const { stream } = view;
  if (stream === undefined) return;
  const { at, problems } = context;
  if (context.file.stream === undefined) {
    const remedy = "Add stream: { type: kafka, brokers: [...] } at the top of the file";
    problems.add(at(viewPath, "stream"), "has no broker to read from", remedy);
  }
  const path = `${viewPath}.stream`;
  checkTopics(context, stream, path);
  checkFormat(context, stream, path);
  for (const key of ["event_time", "created_time", "tenant_field"] as const) {
    const field = stream[key];
    if (field === undefined) continue;
    const why = misplaced(key, readRecordField(field), stream);
    if (why !== undefined) problems.add(at(path, key), why, "Name another part of the record");
  }
  for (const source of Object.keys(stream.field_mapping ?? {})) {
    if (source.split(".").every((step) => step !== "" && !(step in Object.prototype))) continue;
    const what = `is ${show(source)}, which leads to no field of a message`;
    problems.add(at(`${path}.field_mapping`, source), what, "Write the names of fields with single dots between them");
  }
}

function checkTopics({ at, has, problems, file }: CheckContext, stream: LooseStream, path: string): void {
  const [one, several] = [has(path, "topic"), has(path, "topics")];
  if (one === several) {
    const what = one ? "is given beside topic" : "is missing";
    problems.add(
      at(path, one ? "topics" : "topic"),
      what,
      one ? "Keep one of them" : "Name the topic, or several under topics",
    );
  }
  const seen = new Set<string>();
  const check = (name: string | undefined, here: ReturnType<CheckContext["at"]>): void => {
    if (name === undefined) return;
    const tenants = name.includes(TENANT) ? Object.keys(file.tenants ?? {}) : [""];
    for (const tenant of tenants) {
      const topic = name.replaceAll(TENANT, tenant);
      if (!TOPIC.test(topic)) {
        const what =
          tenant === ""
            ? "is no name of a topic"
            : `is ${show(topic)} for the tenant ${show(tenant)}, no name of a topic`;
        problems.add(
          here,
          what,
          "Kafka takes up to 249 letters, digits, dots, _ and -; use tenant_field for tenants of other names",
        );
      }
      if (seen.has(topic)) problems.add(here, `names the topic ${show(topic)} again`, "Name each topic once");
      seen.add(topic);
    }
    if (name.includes(TENANT) && stream.tenant_field !== undefined) {
      problems.add(at(path, "tenant_field"), "is given beside {tenant} in the topic's name", "Keep one of them");
    }
  };
  check(stream.topic, at(path, "topic"));
  for (const [i, name] of present(stream.topics)) check(name, at(`${path}.topics[${i}]`));
}

function checkFormat({ at, has, problems, file }: CheckContext, { format }: LooseStream, path: string): void {
  if (format === undefined) return;
  for (const key of ["descriptor_set", "message"] as const) {
    if (format === "protobuf" && !has(path, key)) {
      problems.add(at(path, key), "is missing", "Add it: protobuf records do not say what they are");
    } else if (format !== "protobuf" && has(path, key)) {
      problems.add(at(path, key), "is about format: protobuf", "Remove it, or correct the format");
    }
  }
  const needsRegistry = format === "avro" || format === "debezium_avro";
  if (needsRegistry && file.stream !== undefined && !has("stream", "schema_registry")) {
    const remedy = "Add schema_registry: { url: … } to stream at the top of the file";
    problems.add(at(path, "format"), `is ${format}, whose schemas are in a registry, and none is named`, remedy);
  }
}

function misplaced(key: string, { from, path }: RecordField, { format }: LooseStream): string | undefined {
  if (from !== "header" && path.some((step) => step === "" || step in Object.prototype)) {
    return "leads to no field of a message";
  }
  if (key === "tenant_field" && (from === "record" || from === "envelope")) return "is a time, which names no tenant";
  if (from === "envelope" && format !== "debezium" && format !== "debezium_avro") {
    return "is a part of Debezium's envelope, which this format has none of";
  }
  return undefined;
}

/** The address of the registry, and who asks it. */
export function checkSchemaRegistry({ file, at, has, problems }: CheckContext): void {
  const registry = file.stream?.schema_registry;
  if (registry === undefined) return;
  const here = "stream.schema_registry";
  const url = registry.url === undefined ? undefined : URL.parse(registry.url);
  if (url === null || (url !== undefined && !/^https?:$/.test(url.protocol))) {
    problems.add(at(here, "url"), "is no http:// or https:// address", "Write https://host:port");
  } else if (
    url !== undefined &&
    (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "")
  ) {
    const what = "has more than a host, a port and a path";
    problems.add(at(here, "url"), what, "Write https://host:port, and credentials under username and password");
  }
  if (has(here, "username") !== has(here, "password")) {
    const [given, lacks] = has(here, "username") ? ["username", "password"] : ["password", "username"];
    problems.add(at(here, given), `is given without ${lacks}`, `Add ${lacks}`);
  }
  if (has(here, "ca") && url?.protocol === "http:") {
    problems.add(at(here, "ca"), "is about https://, and the address is http://", "Write https://, or remove it");
  }
}
