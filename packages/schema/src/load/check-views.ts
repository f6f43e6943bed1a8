import { show } from "../fault.ts";
import { payloadColumn, readRecordField } from "../record-field.ts";
import { decodeFeatureValue } from "../rows/decode-value.ts";
import { CREATED_TIME_NAME, EVENT_TIME_NAME } from "../rows/row-decoder.ts";
import { type CheckContext, indexByName, type LooseView, present } from "./check-context.ts";
import { checkStream } from "./check-streams.ts";
import { suggest } from "./nearest.ts";

/** Checks what entities and feature views mean: references, names, columns, defaults. */
export function checkViews(context: CheckContext): void {
  for (const [i, entity] of present(context.file.entities)) {
    const path = `entities[${i}].join_keys`;
    indexByName(entity.join_keys, path, context.at, context.problems);
    for (const [k, key] of present(entity.join_keys)) refuseTimeName(context, `${path}[${k}]`, key.name);
  }
  for (const [i, view] of present(context.file.feature_views))
    new ViewCheck(context, view, `feature_views[${i}]`).run();
}

function refuseTimeName({ at, problems }: CheckContext, path: string, name: string | undefined): void {
  if (name !== EVENT_TIME_NAME && name !== CREATED_TIME_NAME) return;
  const what = `is "${name}", under which every view takes its ${name === EVENT_TIME_NAME ? "event" : "created"} time`;
  problems.add(at(path, "name"), what, "Use another name, and map the source's column with field_mapping");
}

class ViewCheck {
  readonly #context: CheckContext;
  readonly #view: LooseView;
  readonly #path: string;
  /** Column -> what it is, for messages; a column has one meaning. */
  readonly #columns = new Map<string, string>();

  constructor(context: CheckContext, view: LooseView, path: string) {
    this.#context = context;
    this.#view = view;
    this.#path = path;
  }

  run(): void {
    this.#checkEntities();
    this.#checkTimes();
    this.#checkFeatures();
    this.#checkMapping("source", [...this.#columns.keys()]);
    // A stream names the fields of its times themselves.
    const keys = [...this.#columns].filter(([, meaning]) => meaning.startsWith(JOIN_KEY_OF)).map(([name]) => name);
    this.#checkMapping("stream", keys);
    this.#checkTenantPath();
    checkStream(this.#context, this.#view, this.#path);
  }

  #checkEntities(): void {
    const { entity, entities } = this.#view;
    const path = this.#path;
    if (entity !== undefined && entities !== undefined) {
      this.#add("entities", "is given beside entity", "Keep one of them");
    }
    // A broken key has its own problem; only one that the file leaves out is missing.
    if (!this.#context.has(path, "entity") && !this.#context.has(path, "entities")) {
      this.#add("entity", "is missing", "Name the entity, or write entities: [] for a view without any");
    }
    const seen = new Set<string>();
    if (entity !== undefined) this.#checkEntity(entity, this.#context.at(path, "entity"), seen);
    for (const [i, name] of present(entities))
      this.#checkEntity(name, this.#context.at(`${path}.entities[${i}]`), seen);
  }

  #checkEntity(name: string, at: ReturnType<CheckContext["at"]>, seen: Set<string>): void {
    const { entities, problems } = this.#context;
    const entity = entities.get(name);
    if (entity === undefined) {
      problems.add(
        at,
        `names the entity "${name}", which does not exist`,
        suggest(name, [...entities.keys()], "Declare it under entities"),
      );
      return;
    }
    if (seen.has(name)) problems.add(at, `names the entity "${name}" twice`, "Name each entity once");
    seen.add(name);
    for (const [, key] of present(entity.join_keys)) {
      // A key named like a time has been reported with its entity.
      if (key.name === undefined || literalMeaning(key.name) !== undefined) continue;
      const taken = this.#columns.get(key.name);
      if (taken !== undefined && taken !== joinKeyOf(name)) {
        const what = `brings the join key "${key.name}", which is also ${taken}`;
        problems.add(at, what, "Give the join keys of one view different names");
      }
      this.#columns.set(key.name, joinKeyOf(name));
    }
  }

  #checkTimes(): void {
    const { source, stream } = this.#view;
    this.#claim("source", "timestamp_field", source?.timestamp_field, "the event time");
    this.#claim("source", "created_timestamp_column", source?.created_timestamp_column, "the created time");
    this.#claim("source", "tombstone_column", source?.tombstone_column, "the tombstone mark");
    this.#claim("stream", "event_time", columnOf(stream?.event_time), "the event time");
    this.#claim("stream", "created_time", columnOf(stream?.created_time), "the created time");
    this.#columns.set(EVENT_TIME_NAME, "the event time");
    this.#columns.set(CREATED_TIME_NAME, "the created time");
    if (source?.created_means !== undefined && source.created_timestamp_column === undefined) {
      this.#add(
        "source.created_means",
        "says what a created time means, and the source has none",
        "Name created_timestamp_column",
      );
    }
  }

  /** `{tenant}*` would match the files of every tenant whose name goes on, and a double star before it a folder inside another tenant's. */
  #checkTenantPath(): void {
    const segments = (this.#view.source?.path ?? "").split("/");
    const last = segments.findLastIndex((segment) => segment.includes("{tenant}"));
    const meets = segments.slice(0, last + 1).some((segment) => {
      const rest = segment.replaceAll("{tenant}", "");
      return rest.includes("**") || (rest !== segment && /[*?[\]{}]/.test(rest));
    });
    if (!meets) return;
    this.#add(
      "source.path",
      "has a pattern beside {tenant}, or ** before it, so that it could match files of other tenants",
      "Give each tenant a folder of its own: {tenant} with no *, ?, [ or { in the same name, and no ** before it",
    );
  }

  #claim(section: string, key: string, column: string | undefined, meaning: string): void {
    if (column === undefined) return;
    const taken = this.#columns.get(column) ?? literalMeaning(column);
    if (taken !== undefined && taken !== meaning) {
      const at = this.#context.at(`${this.#path}.${section}`, key);
      this.#context.problems.add(at, `is "${column}", which is also ${taken}`, "Give each column one meaning");
    } else this.#columns.set(column, meaning);
  }

  #checkFeatures(): void {
    const { at, problems } = this.#context;
    const path = `${this.#path}.features`;
    indexByName(this.#view.features, path, at, problems);
    for (const [i, feature] of present(this.#view.features)) {
      const { name, type } = feature;
      const taken = name === undefined ? undefined : this.#columns.get(name);
      if (taken !== undefined) {
        problems.add(
          at(`${path}[${i}]`, "name"),
          `is "${name}", which is also ${taken}`,
          "Give the feature another name",
        );
      }
      if (feature.default === undefined || type === undefined) continue;
      const decoded = decodeFeatureValue(type, feature.default);
      if (!decoded.ok)
        problems.add(at(`${path}[${i}]`, "default"), decoded.what, decoded.remedy.replace(/^Send /, "Write "));
    }
  }

  #checkMapping(section: "source" | "stream", columns: readonly string[]): void {
    const mapping = this.#view[section]?.field_mapping ?? {};
    const features = [...present(this.#view.features)].map(([, { name }]) => name);
    const known = [...new Set([...columns, ...features])].filter((name) => name !== undefined);
    const from = new Map<string, string>();
    for (const [column, name] of Object.entries(mapping)) {
      if (name === undefined) continue;
      const at = this.#context.at(`${this.#path}.${section}.field_mapping`, column);
      if (section === "source" && column in Object.prototype) {
        this.#context.problems.add(
          at,
          "is a column that every JavaScript object has already",
          "Rename it in the source",
        );
      }
      if (!known.includes(name)) {
        const what = `maps ${show(column)} to "${name}", which the view does not read`;
        this.#context.problems.add(at, what, suggest(name, known, "Remove it"));
      }
      const first = from.get(name);
      if (first !== undefined) {
        this.#context.problems.add(
          at,
          `maps ${show(column)} to "${name}", as ${show(first)} is already`,
          "Map one column to each name",
        );
      }
      from.set(name, column);
    }
  }

  #add(key: string, what: string, remedy: string): void {
    const [section, inner] = key.split(".");
    const at =
      inner === undefined ? this.#context.at(this.#path, key) : this.#context.at(`${this.#path}.${section}`, inner);
    this.#context.problems.add(at, what, remedy);
  }
}

const JOIN_KEY_OF = "a join key of ";

function joinKeyOf(entity: string): string {
  return `${JOIN_KEY_OF}"${entity}"`;
}

/** The column of a stream's time, where it is one. */
function columnOf(field: string | undefined): string | undefined {
  return field === undefined ? undefined : payloadColumn(readRecordField(field));
}

function literalMeaning(column: string): string | undefined {
  if (column === EVENT_TIME_NAME) return "the event time";
  return column === CREATED_TIME_NAME ? "the created time" : undefined;
}
