/** What one pass over a JSON text tells. Of a text that is no JSON it tells something, which the parser's refusal makes void. */
export interface JsonScan {
  /** Offset of the bracket that opens one level too many. */
  readonly tooDeepAt: number | undefined;
  /** Colons outside strings: as many as keys in the text, in valid JSON. */
  readonly colons: number;
  /** The text with every integer that may exceed 2^53 as a string that starts with {@link MARK}; undefined where there is none. */
  readonly marked: string | undefined;
  readonly markedCount: number;
}

/** A private-use character, legal in JSON and unlikely at the start of a string; that it may be there all the same is checked. */
export const MARK = "\ue0a7";

/** Reads the text once, without judging it. */
export function scanJson(text: string, maxDepth: number): JsonScan {
  let depth = 0;
  let colons = 0;
  // Digits of the integer so far; -Infinity in a fraction, whose length is no danger.
  let digits = 0;
  const long: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 48 && code <= 57) {
      digits++;
      continue;
    }
    if (digits !== 0) {
      if (digits >= 16 && !isFraction(code)) noteLong(text, i - digits, i, long);
      digits = code === 46 ? Number.NEGATIVE_INFINITY : 0;
    }
    if (code === 34) {
      i = endOfString(text, i);
    } else if (code === 58) {
      colons++;
    } else if (code === 91 || code === 123) {
      if (++depth > maxDepth) return { tooDeepAt: i, colons, marked: undefined, markedCount: 0 };
    } else if (code === 93 || code === 125) {
      depth--;
    }
  }
  if (digits >= 16) noteLong(text, text.length - digits, text.length, long);
  const marked = long.length === 0 ? undefined : markIntegers(text, long);
  return { tooDeepAt: undefined, colons, marked, markedCount: long.length / 2 };
}

/** A point or an exponent follows: the number is a float however long it is. */
function isFraction(code: number): boolean {
  return code === 46 || code === 69 || code === 101;
}

/** Takes down where an integer starts and ends, if it may exceed 2^53 = 9007199254740992, which has 16 digits. */
function noteLong(text: string, start: number, end: number, long: number[]): void {
  const first = text.charCodeAt(start);
  const before = text.charCodeAt(start - 1);
  // 0… is no number; after + or an exponent's sign the digits are a part of something else.
  if (first === 48 || before === 43 || before === 69 || before === 101) return;
  if (end - start === 16 && first !== 57) return;
  const sign = before === 45 ? start - 1 : start;
  const opener = text.charCodeAt(sign - 1);
  if (sign < start && (opener === 69 || opener === 101)) return;
  long.push(sign, end);
}

/** Only what stands where a value may stand is marked, so that 1"2" or -"1" never becomes valid by it: the parser sees a string there. */
function markIntegers(text: string, long: readonly number[]): string {
  const pieces: string[] = [];
  let from = 0;
  for (let i = 0; i < long.length; i += 2) {
    const start = long[i]!;
    const end = long[i + 1]!;
    pieces.push(text.slice(from, start), '"', MARK, text.slice(start, end), '"');
    from = end;
  }
  pieces.push(text.slice(from));
  return pieces.join("");
}

/** Index of the quote that ends the string opened at `start`, or the text's end. */
function endOfString(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1);
  while (quote !== -1) {
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === 92) backslashes++;
    if (backslashes % 2 === 0) return quote;
    quote = text.indexOf('"', quote + 1);
  }
  return text.length;
}
