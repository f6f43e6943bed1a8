import { isLarderError, LarderError, parseTime } from "@larder/schema";

/** Microseconds since the epoch of an ISO 8601 argument. @throws USAGE naming the argument */
export function timeArgument(name: string, text: string): number {
  try {
    return parseTime(text, name);
  } catch (error) {
    if (!isLarderError(error, "INVALID_REQUEST")) throw error;
    throw new LarderError("USAGE", { what: error.what, remedy: error.remedy, facts: error.facts, cause: error });
  }
}
