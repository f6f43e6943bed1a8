import { createHash } from "node:crypto";
import { LarderError } from "@larder/schema";
import { Document, isScalar, visit } from "yaml";
import { readGenerated, writeGenerated } from "../generated-file.ts";
import type { DraftFile } from "./draft.ts";
import type { ImportNote } from "./import-notes.ts";

/** How every imported file begins, up to the hash of what follows the first line. */
const MARK = "# Written by `larder import-feast`, sha256 ";

/** A word that YAML 1.1 and 1.2, and the loader, read as text without quotes. */
const PLAIN = /^(?:(?!(?:y|n|yes|no|on|off|true|false|null)$)[a-z_/][\w./-]*|list<\w+>|\d+(?:us|ms|s|m|h|d))$/i;

/** The draft as YAML, without comments. */
export function draftText(draft: DraftFile): string {
  const document = new Document(draft);
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value !== "string") return;
      node.type = PLAIN.test(node.value) ? "PLAIN" : "QUOTE_DOUBLE";
    },
    Map(key, node) {
      const small = node.items.length <= 3 && node.items.every(({ value }) => isScalar(value));
      if (key !== null && small) node.flow = true;
    },
    Seq(_, node) {
      if (node.items.every(isScalar)) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 0, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER });
}

/** The whole file: its mark, what could not be carried, and the definitions. */
export function fileText(draft: DraftFile, notes: readonly ImportNote[], from: string): string {
  const lines = [
    `# From ${from}.`,
    ...section(
      "Left out:",
      notes.filter(({ kind }) => kind === "left_out"),
    ),
    ...section(
      "Changed:",
      notes.filter(({ kind }) => kind === "changed"),
    ),
  ];
  const rest = `${lines.join("\n")}\n\n${draftText(draft)}`;
  return `${MARK}${hash(rest)}\n${rest}`;
}

/**
 * Writes the file. One that was changed since it was imported, or never was, is overwritten only when that is confirmed.
 * @throws CONFIRMATION_REQUIRED, OUTPUT_UNWRITABLE
 */
export async function writeImported(out: string, text: string, confirmed: boolean): Promise<void> {
  const before = await readGenerated(out);
  if (before !== undefined && before !== "" && !confirmed && !isUntouched(before)) {
    throw new LarderError("CONFIRMATION_REQUIRED", {
      what: `${out} exists, and is not as \`larder import-feast\` wrote it`,
      remedy: "Name another file with --out, or overwrite this one with --yes",
      facts: { out },
    });
  }
  await writeGenerated(out, text);
}

function section(title: string, notes: readonly ImportNote[]): string[] {
  return notes.length === 0
    ? []
    : ["#", `# ${title}`, ...notes.map(({ subject, reason }) => `# - ${plain(`${subject}: ${reason}`)}`)];
}

/** Names come from the registry: none may end the comment. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function isUntouched(text: string): boolean {
  const end = text.indexOf("\n");
  return text.slice(0, end) === `${MARK}${hash(text.slice(end + 1))}`;
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
