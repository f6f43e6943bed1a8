/** An identifier, quoted. */
export function quoteSparkName(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

/** A text literal; Spark reads backslashes as escapes. */
export function quoteSparkText(value: string): string {
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'").replaceAll("\0", "\\0")}'`;
}
