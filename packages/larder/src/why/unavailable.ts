import { isLarderError } from "@larder/schema";

/** Evidence that could not be had, and why. */
export interface Unavailable {
  readonly kind: "unavailable";
  readonly code: string;
  readonly what: string;
  readonly remedy: string;
}

/** A failure of a part that the verdict can do without becomes evidence. The end of the whole look is none. */
export async function orUnavailable<T>(
  signal: AbortSignal | undefined,
  look: () => Promise<T>,
): Promise<T | Unavailable> {
  try {
    return await look();
  } catch (error) {
    if (!isLarderError(error) || signal?.aborted === true) throw error;
    return { kind: "unavailable", code: error.code, what: error.what, remedy: error.remedy };
  }
}
