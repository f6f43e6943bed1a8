import { LarderError } from "@larder/schema";

/** An address of a server as it was written. @throws USAGE naming the option */
export function urlOption(name: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && ["http:", "https:"].includes(url.protocol)) return url.origin;
  throw new LarderError("USAGE", {
    what: `${name} ${text} is no address of a server`,
    remedy: "Write it as http://127.0.0.1:6567",
    facts: { field: name },
  });
}
