/**
 * Bounds that keep a hostile file from hanging or crashing the loader. The parser is a tree builder in JavaScript: without them a megabyte of
 * brackets brings the process down, and a few aliases expand to billions of values. A file of 2,000 features has about 40,000 lexemes.
 */
export const LIMITS = {
  /** Bytes of one file. */
  bytes: 1024 * 1024,
  /** Pieces of text the lexer sees, over all files. */
  lexemes: 200_000,
  /** Values after aliases are followed, over all files. */
  values: 100_000,
  /** Levels of lists and maps. */
  depth: 32,
  /** Spaces before a line's first character. */
  indent: 200,
  /** Closing brackets that close nothing, and commas after commas. */
  stray: 100,
  /** Files that `include` may name. */
  includes: 100,
  /** Folder entries looked at to find them. */
  visits: 10_000,
} as const;

/** What is left of the limits that hold over all files together. */
export interface Budget {
  lexemes: number;
  values: number;
}

/** A whole budget. */
export function fullBudget(): Budget {
  return { lexemes: LIMITS.lexemes, values: LIMITS.values };
}
