import { documentBlocks } from "@larder/testkit";

/** The texts of the fenced blocks of a document that are written in a language, in order. */
export function blocks(page: string, language: string): string[] {
  return documentBlocks(page).flatMap(({ kind, text }) => (kind === language ? [text] : []));
}
