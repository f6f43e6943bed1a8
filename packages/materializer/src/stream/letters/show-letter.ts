import { LarderError } from "@larder/schema";
import type { Letter } from "./letter.ts";
import { LetterBox, type LetterParts, type LetterRequest } from "./letter-box.ts";

/**
 * The one letter at a partition and offset.
 * @throws USAGE where the filter fits several dead-letter topics, or there is no letter
 */
export async function showLetter(parts: LetterParts, request: LetterRequest): Promise<Letter> {
  const box = new LetterBox(parts, request);
  const { partition, offset } = request.filter;
  if (box.filter.topics.length > 1) {
    throw new LarderError("USAGE", {
      what: `There are several dead-letter topics: ${box.filter.topics.join(", ")}`,
      remedy: "Name the source topic with --topic",
      facts: { field: "--topic" },
    });
  }
  let found: Letter | undefined;
  await box.read("reader", async ({ letters }) => {
    found ??= letters.find(({ letter }) => letter.at.partition === partition && letter.at.offset === offset)?.letter;
    return found === undefined ? "more" : "enough";
  });
  if (found !== undefined) return found;
  throw new LarderError("USAGE", {
    what: `${box.filter.topics.join(", ")} has no letter at partition ${partition} offset ${offset}`,
    remedy:
      "Take one that `larder dlq list` lists; letters that were purged or outlived the topic's retention are gone",
    facts: { field: "--offset" },
  });
}
