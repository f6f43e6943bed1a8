import { LarderError } from "@larder/schema";

/** A flag of a request's query: true, false, or absent, which is false. @throws INVALID_REQUEST naming it */
export function queryFlag(query: unknown, name: string): boolean {
  const value = (query as Readonly<Record<string, unknown>>)[name];
  if (value === undefined || value === "false") return false;
  if (value === "true") return true;
  throw new LarderError("INVALID_REQUEST", {
    what: `"${name}" is neither true nor false`,
    remedy: `Write ?${name}=true, or leave it out`,
    facts: { field: name },
  });
}
