import { LineCounter, parseDocument, type YAMLParseError } from "yaml";
import { clip } from "../fault.ts";
import type { ProblemList } from "../problem-list.ts";
import { checkLexemes } from "./check-lexemes.ts";
import { NodeReader, type ReadYamlContext } from "./node-reader.ts";
import type { PlacedNode } from "./placed-node.ts";

/**
 * Reads one YAML 1.2 file into nodes that know their place. Variables are expanded after parsing, then plain scalars are typed. Answers
 * undefined where the file as a whole cannot be read; everything that is wrong goes into `problems`.
 */
export function readYaml(text: string, context: ReadYamlContext): PlacedNode | undefined {
  const { file, problems, budget } = context;
  const whole = { place: `${file}:1:1`, field: "file" };
  const lineCounter = new LineCounter();
  const found = checkLexemes(text, budget);
  if (found !== undefined) {
    problems.addFault({ place: placeIn(text, file, found.offset), field: "file" }, found.fault);
    return undefined;
  }
  const document = parseDocument(text, {
    lineCounter,
    schema: "failsafe",
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: "error",
  });
  const placeAt = (offset: number) => {
    const { line, col } = lineCounter.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  reportSyntax(text, document.errors, placeAt, problems);
  if (document.errors.length > 0) return undefined;
  const { version, explicit } = document.directives?.yaml ?? {};
  if (explicit === true && version !== "1.2") {
    problems.add(whole, `declares YAML ${version}`, "Remove the %YAML line: the file is read as YAML 1.2");
  }
  if (document.contents === null) {
    problems.add(whole, "is empty", "Start with project: and online_store:");
    return undefined;
  }
  return new NodeReader(context, placeAt).read(document.contents, "", 0);
}

/** ${VAR} without quotes inside { } or [ ] is the one mistake that YAML's own words do not explain. */
function reportSyntax(
  text: string,
  errors: readonly YAMLParseError[],
  placeAt: (offset: number) => string,
  problems: ProblemList,
): void {
  const variable = errors.find(({ pos: [offset] }) => text.slice(offset - 1, offset + 1) === "${");
  if (variable !== undefined) {
    const what = "has a variable without quotes inside { } or [ ], where YAML takes its { for a map";
    const remedy = "Put it in quotes, or write the key on a line of its own";
    problems.add({ place: placeAt(variable.pos[0]), field: "yaml" }, what, remedy);
    return;
  }
  for (const { code, message, pos } of errors) {
    const at = { place: placeAt(pos[0]), field: "yaml" };
    if (code === "MULTIPLE_DOCS") problems.add(at, "starts a second document (---)", "Keep one document per file");
    else problems.add(at, `cannot be read as YAML (${sentenceOf(message)})`, "Correct the syntax");
  }
}

function sentenceOf(message: string): string {
  return clip(message.replaceAll(/\s+/g, " "), 200);
}

function placeIn(text: string, file: string, offset: number): string {
  const lines = text.slice(0, offset).split("\n");
  return `${file}:${lines.length}:${(lines.at(-1) ?? "").length + 1}`;
}
