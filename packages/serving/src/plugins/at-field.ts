import { isLarderError, LarderError } from "@larder/schema";

/** Runs a look-up that knows no requests, and tells whose field its failure is about. @throws what `find` throws, with `facts.field` */
export function atField<T>(field: string, find: () => T): T {
  try {
    return find();
  } catch (error) {
    if (!isLarderError(error)) throw error;
    const { code, what, remedy, facts, retryable, problems } = error;
    throw new LarderError(code, { what, remedy, facts: { ...facts, field }, retryable, problems, cause: error });
  }
}
