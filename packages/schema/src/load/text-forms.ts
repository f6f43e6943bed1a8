import { readDuration } from "../duration.ts";
import { clip, Fault, show } from "../fault.ts";
import { isPrototypeKey } from "../json/json-fault.ts";
import type { TextForm } from "../schema-key.ts";
import { readSize } from "../size.ts";
import type { YamlScalar } from "../yaml/placed-node.ts";

/** Checks a scalar against a form of the schema. */
export function checkForm(form: TextForm, value: YamlScalar, pattern: RegExp): Fault | undefined {
  switch (form) {
    case "duration":
      return value === 0 || value === "0" ? undefined : checkDuration(value);
    case "online_ttl":
      return value === 0 || value === "0" || value === "none" ? undefined : checkDuration(value);
    case "limit":
      return checkDuration(value) ?? (readDuration(String(value)) === 0 ? zero() : undefined);
    case "size":
      return checkSize(value);
    case "value":
      return value === null ? new Fault("is null", "Give a value, or remove it") : undefined;
    case "project":
    case "name":
    case "reference":
    case "input":
    case "record_field":
      return typeof value === "string" ? checkText(form, value, pattern) : notText(value);
  }
}

/** What each form asks for, in a message. */
export const FORM_KINDS: Readonly<Record<TextForm, string>> = {
  project: "a project name",
  name: "a name",
  reference: '"view:feature"',
  input: '"view:feature"',
  record_field: "a part of a record",
  duration: "a duration",
  limit: "a duration",
  online_ttl: "a duration or none",
  size: "a size",
  value: "a plain value or a list of them",
};

/** The fault of a scalar where text is needed. */
export function notText(value: YamlScalar): Fault {
  if (value === null) return new Fault("is empty", "Give it a value, or remove it");
  return new Fault(`is ${show(value)}, which is not text`, `Put it in quotes: "${clip(String(value))}"`);
}

/** The forms of text that are judged by their pattern. */
type PatternForm = Extract<TextForm, "project" | "name" | "reference" | "input" | "record_field">;

const FORM_WORDS: Readonly<Record<PatternForm, readonly [string, string]>> = {
  project: ["a project name", "Use letters, digits, _ and -, starting with a letter or digit"],
  name: ["a name", "Use text without colons and control characters, with no space at either end"],
  reference: ["a feature reference", 'Write "view:feature"'],
  input: ["a feature", 'Write "view:feature", or the name of a request feature'],
  record_field: [
    "a part of a record",
    "Write a field (a.b for a nested one), header:NAME, key:FIELD, record:timestamp or envelope:source.ts_ms",
  ],
};

const MAX_NAME = 200;

function checkText(form: PatternForm, value: string, pattern: RegExp): Fault | undefined {
  const [what, remedy] = FORM_WORDS[form];
  if (!value.isWellFormed()) return new Fault("holds half of a surrogate pair", "Use well-formed Unicode");
  if (!pattern.test(value)) return new Fault(`is ${show(value)}, not ${what}`, remedy);
  if (form === "reference" || form === "input") return undefined;
  if (value.length > MAX_NAME)
    return new Fault(`is ${value.length} characters long`, `Use at most ${MAX_NAME} characters`);
  if (isPrototypeKey(value) || value in Object.prototype) {
    return new Fault(`is "${value}", which every JavaScript object has already`, "Use another name");
  }
  return undefined;
}

function checkDuration(value: YamlScalar): Fault | undefined {
  if (typeof value === "number" || typeof value === "bigint") {
    return new Fault(
      `is ${show(value)}, a duration without a unit`,
      `Write the unit (us, ms, s, m, h, d), as in "${clip(String(value))}s"`,
    );
  }
  if (typeof value !== "string") return notText(value);
  const micros = readDuration(value);
  return micros instanceof Fault ? micros : undefined;
}

function zero(): Fault {
  return new Fault("is zero", "Write a duration of at least 1us");
}

function checkSize(value: YamlScalar): Fault | undefined {
  if (typeof value === "number" && Number.isSafeInteger(value)) return value > 0 ? undefined : zeroSize();
  if (typeof value !== "string")
    return new Fault(`is ${show(value)}, not a size`, 'Write a whole number and a unit, as in "200MB"');
  const bytes = readSize(value);
  if (bytes instanceof Fault) return bytes;
  return bytes > 0 ? undefined : zeroSize();
}

function zeroSize(): Fault {
  return new Fault("is not above zero", "Write a size of at least 1B, or remove it");
}
