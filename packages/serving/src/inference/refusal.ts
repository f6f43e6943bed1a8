import { LarderError } from "@larder/schema";

/** A tensor of a request that does not fit. `field` is where in the request, `inputs.0.shape`. */
export function refused(field: string, what: string, remedy: string): LarderError {
  return new LarderError("INVALID_REQUEST", { what, remedy, facts: { field } });
}

/** A caller's text as far as an error repeats it. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
