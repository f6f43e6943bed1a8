import { Lexer } from "yaml";
import { Fault } from "../fault.ts";
import { type Budget, LIMITS } from "./limits.ts";

/** Looks over a file with the lexer alone, which takes linear time, for what would make the parser slow or crash it. */
export function checkLexemes(
  text: string,
  budget: Budget,
): { readonly offset: number; readonly fault: Fault } | undefined {
  let offset = 0;
  let flow = 0;
  let indicators = 0;
  let stray = 0;
  let last = "";
  let lineStart = true;
  for (const lexeme of new Lexer().lex(text)) {
    if (--budget.lexemes < 0) return { offset, fault: tooMuch() };
    if (isMark(lexeme)) continue;
    const first = lexeme[0];
    if (first === "\n" || first === "\r") {
      lineStart = true;
      indicators = 0;
    } else {
      if (lineStart && first === " " && lexeme.length > LIMITS.indent) return { offset, fault: tooDeep() };
      lineStart = false;
      if (first === "[" || first === "{") flow++;
      else if (first === "]" || first === "}") {
        if (flow > 0) flow--;
        else stray++;
      } else if (first === "," && last === ",") stray++;
      else if (flow === 0 && (lexeme === "-" || lexeme === "?" || lexeme === ":")) indicators++;
      if (flow > LIMITS.depth || indicators > LIMITS.depth) return { offset, fault: tooDeep() };
      if (stray > LIMITS.stray) return { offset, fault: tooStray() };
      if (first !== " ") last = first ?? "";
    }
    offset += lexeme.length;
  }
  return undefined;
}

/** One error of the parser costs as much as a hundred values: a file of nothing but stray marks is refused before it. */
function tooStray(): Fault {
  return new Fault(`has more than ${LIMITS.stray} closing brackets or commas that fit nothing`, "Correct the syntax");
}

/** Control characters by which the lexer announces a document, a scalar or the end of a broken flow: they stand for no text. */
function isMark(lexeme: string): boolean {
  return lexeme === "\u0002" || lexeme === "\u0018" || lexeme === "\u001f";
}

/** The fault of a file with more in it than any configuration has. */
export function tooMuch(): Fault {
  return new Fault(
    `holds more than the loader takes (${LIMITS.lexemes} pieces of text, ${LIMITS.values} values once aliases are followed)`,
    "Remove what repeats, or use fewer aliases",
  );
}

/** The fault of a file nested beyond any configuration. */
export function tooDeep(): Fault {
  return new Fault(
    `has more than ${LIMITS.depth} levels, or lines indented beyond ${LIMITS.indent} spaces`,
    "Write it flatter",
  );
}
