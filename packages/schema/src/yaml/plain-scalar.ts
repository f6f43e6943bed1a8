import { Fault, show } from "../fault.ts";
import type { YamlScalar } from "./placed-node.ts";

const INTEGER = /^[-+]?\d+$/;
const OCTAL_OR_HEX = /^0(?:o[0-7]+|x[0-9a-fA-F]+)$/;
const FLOAT = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/;

/** What YAML 1.2 (core schema) reads in an unquoted scalar. */
export function typePlainScalar(text: string): YamlScalar | Fault {
  if (/^(?:|~|null|Null|NULL)$/.test(text)) return null;
  if (/^(?:true|True|TRUE)$/.test(text)) return true;
  if (/^(?:false|False|FALSE)$/.test(text)) return false;
  if (/^\.(?:nan|NaN|NAN)$/.test(text)) return Number.NaN;
  if (/^[-+]?\.(?:inf|Inf|INF)$/.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  if (text.length > 400) return text;
  if (INTEGER.test(text) || OCTAL_OR_HEX.test(text)) return typeInteger(text);
  if (!FLOAT.test(text)) return text;
  const number = Number(text);
  return Number.isFinite(number)
    ? number
    : new Fault(`is ${show(text)}, a number that overflows`, "Write a smaller one");
}

/** Unquoted scalars that YAML 1.1 (PyYAML and so Feast, and many editors) reads as something else than YAML 1.2. */
const READ_DIFFERENTLY: readonly RegExp[] = [
  /^(?:y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF)$/,
  // Octal with 0 or 0o, binary, signed hexadecimal, underscores.
  /^[-+]?0[\d_]+$/,
  /^0o[0-7]+$/,
  /^[-+]?0b[01_]+$/,
  /^[-+]0x[\da-fA-F_]+$/,
  /^0x(?=[^_]*_)[\da-fA-F_]+$/,
  /^[-+]?\d(?=[^_]*_)[\d_]*(?:\.[\d_]*)?(?:[eE][-+]?\d+)?$/,
  /^[-+]?\.(?=[^_]*_)[\d_]+$/,
  // Base 60.
  /^[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?$/,
  // 1.1 asks for a point and a sign in the exponent.
  /^[-+]?\d+[eE][-+]?\d+$/,
  /^[-+]?(?:\d+\.\d*|\.\d+)[eE]\d+$/,
  // Dates, and the mark of a default value.
  /^\d{4}-\d\d?-\d\d?(?:[Tt \t].*)?$/,
  /^=$/,
];

/** The problem of an unquoted scalar that YAML 1.1 and 1.2 read differently, if it is one. */
export function yaml11Fault(text: string): Fault | undefined {
  if (text === "<<") return new Fault("is a merge (<<), which YAML 1.2 does not have", "Write the keys out");
  if (text.length > 100 || !READ_DIFFERENTLY.some((pattern) => pattern.test(text))) return undefined;
  return new Fault(`is ${text} without quotes, which YAML 1.1 and 1.2 read differently`, remedyFor(text));
}

function remedyFor(text: string): string {
  return /^[-+]?[\d_]+$/.test(text)
    ? `Put it in quotes, or write the number as ${BigInt(text.replaceAll("_", ""))}`
    : `Put it in quotes: "${text}"`;
}

function typeInteger(text: string): number | bigint {
  const number = Number(text);
  if (Number.isSafeInteger(number)) return number + 0;
  return text.startsWith("+") ? BigInt(text.slice(1)) : BigInt(text);
}
