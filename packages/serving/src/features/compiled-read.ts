import {
  type Definitions,
  type FeatureRef,
  findFeature,
  findService,
  type JoinKey,
  type KeyType,
  LarderError,
} from "@larder/schema";
import { createReadPlan, FieldStatus, type ReadPlan, STATUS_NAMES } from "@larder/store-core";
import { atField } from "../plugins/at-field.ts";
import { feastValueWriter, type ValueWriter, valueWriter } from "./json-text.ts";

/** A feature list or service as `/get-online-features` needs it, compiled once. */
export interface CompiledRead {
  readonly plan: ReadPlan;
  /** One per column of the plan. */
  readonly writers: readonly ValueWriter[];
  /** JSON text of each status, by its number. */
  readonly statusTexts: readonly string[];
  /** Answered as Feast's own server does: nothing is too old, and what is not there is PRESENT where Feast says so. */
  readonly strict: boolean;
  /** Type of every entity column that is echoed: those the plan reads, and for a strict answer every join key of the project. */
  readonly keyTypes: ReadonlyMap<string, KeyType>;
  /** `,"name"` of every feature, in order. */
  readonly featureNames: string;
  /** `[{"name":"view"},…]`, Feast's version metadata of views without versions. */
  readonly viewMetadata: string;
}

/** What a request asks for. */
export interface ReadSelection {
  readonly features?: readonly string[];
  readonly feature_service?: string;
  readonly full_feature_names?: boolean;
}

/** How a selection is answered, whatever its service says; {@link CompiledRead.strict}. */
export interface ReadStyle {
  readonly strict: boolean;
}

const NOT_STRICT: ReadStyle = { strict: false };

/** STATUS_NAMES as JSON texts. */
const STATUS_TEXTS = STATUS_NAMES.map((name) => `"${name}"`);

/** More distinct selections than any application has; a caller who makes them up only pushes out his own. */
const MAX_CACHED = 1000;

/** Compiles selections, and keeps the recently used ones. */
export class CompiledReads {
  readonly #definitions: Definitions;
  /** In order of use, oldest first. */
  readonly #cache = new Map<string, CompiledRead>();

  constructor(definitions: Definitions) {
    this.#definitions = definitions;
  }

  /** @throws INVALID_REQUEST, UNKNOWN_SERVICE, UNKNOWN_VIEW, UNKNOWN_FEATURE, FEATURE_NAME_COLLISION */
  get(selection: ReadSelection, { strict }: ReadStyle = NOT_STRICT): CompiledRead {
    const full = selection.full_feature_names ?? false;
    const wanted = selection.feature_service ?? selection.features ?? [];
    const key = `${strict ? "strict " : ""}${full ? "full" : "bare"} ${JSON.stringify(wanted)}`;
    let read = this.#cache.get(key);
    if (read === undefined) {
      read = compile(this.#definitions, wanted, full, strict);
      if (this.#cache.size >= MAX_CACHED) this.#cache.delete(this.#cache.keys().next().value as string);
    } else {
      this.#cache.delete(key);
    }
    this.#cache.set(key, read);
    return read;
  }
}

function compile(
  definitions: Definitions,
  wanted: string | readonly string[],
  fullFeatureNames: boolean,
  strictRoute: boolean,
): CompiledRead {
  const strict = strictRoute || (typeof wanted === "string" && definitions.services.get(wanted)?.strictFeast === true);
  const plan = createReadPlan(definitions, refsOf(definitions, wanted), { fullFeatureNames });
  return {
    plan,
    writers: plan.columns.map(({ ref }) => (strict ? feastValueWriter : valueWriter)(ref.feature.type)),
    statusTexts: strict ? feastStatusTexts(definitions) : STATUS_TEXTS,
    strict,
    keyTypes: new Map(
      (strict ? [...joinKeysOf(definitions), ...plan.joinKeys] : plan.joinKeys).map(({ name, type }) => [name, type]),
    ),
    featureNames: plan.columns.map(({ name }) => `,${JSON.stringify(name)}`).join(""),
    viewMetadata: JSON.stringify([...new Set(plan.columns.map(({ ref }) => ref.viewName))].map((name) => ({ name }))),
  };
}

function joinKeysOf({ entities }: Definitions): readonly JoinKey[] {
  return [...entities.values()].flatMap(({ joinKeys }) => joinKeys);
}

/** Feast's Python server on Redis finds every row, if only with nulls; on its other stores it says of a row that it is not there. */
function feastStatusTexts({ onlineStore }: Definitions): readonly string[] {
  const present = STATUS_TEXTS[FieldStatus.PRESENT] as string;
  const told: readonly FieldStatus[] =
    onlineStore.type === "redis" ? [FieldStatus.INVALID] : [FieldStatus.INVALID, FieldStatus.NOT_FOUND];
  return STATUS_TEXTS.map((text, status) => (told.some((each) => each === status) ? text : present));
}

function refsOf(definitions: Definitions, wanted: string | readonly string[]): readonly FeatureRef[] {
  if (typeof wanted === "string") return atField("feature_service", () => findService(definitions, wanted)).features;
  if (wanted.length === 0) {
    throw new LarderError("INVALID_REQUEST", {
      what: "The request names no features",
      remedy: 'Give "features" (a list of "view:feature") or "feature_service"',
      facts: { field: "features" },
    });
  }
  return wanted.map((reference, index) => atField(`features.${index}`, () => findFeature(definitions, reference)));
}
