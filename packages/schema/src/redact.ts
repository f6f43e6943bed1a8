/** Parameters of a connection string that are fit to print; everything else may be a secret. */
const PRINTABLE = new Set(["db", "ssl", "tls", "username", "socket_timeout", "socket_connect_timeout"]);

/**
 * A connection string for logs and errors: hosts and harmless parameters stay, every other value becomes `***`. Takes Feast's form
 * (`host:6379,ssl=true,password=…`) and URLs (`rediss://user:…@host`). What looks like neither is hidden whole.
 */
export function redactConnectionString(text: string): string {
  const url = /^([a-z][a-z0-9+.-]*:\/\/)(.*)$/is.exec(text);
  if (url !== null) return `${url[1]}${redactUrlRest(url[2] ?? "")}`;
  return text.split(",").map(redactPart).join(",");
}

function redactPart(part: string): string {
  const equals = part.indexOf("=");
  if (equals === -1) return isAddress(part.trim()) ? part : "***";
  const name = part.slice(0, equals).trim();
  if (!/^[A-Za-z_]+$/.test(name)) return "***";
  return PRINTABLE.has(name.toLowerCase()) ? part : `${name}=***`;
}

/** `host`, `host:port`, `[::1]:port` or the path of a socket. */
function isAddress(text: string): boolean {
  return /^(?:[A-Za-z0-9._-]+(?::\d{1,5})?|\[[0-9A-Fa-f:.]+\](?::\d{1,5})?|\/[\w./-]+)$/.test(text);
}

function redactUrlRest(rest: string): string {
  const at = rest.lastIndexOf("@");
  const credentials = at === -1 ? undefined : rest.slice(0, at);
  const [address = "", query] = rest.slice(at + 1).split("?", 2);
  const user = credentials?.split(":", 1)[0] ?? "";
  const shown = credentials === undefined ? "" : `${/^[\w.-]*$/.test(user) ? user : "***"}:***@`;
  const where = /^[\w.,:[\]/-]*$/.test(address) ? address : "***";
  return `${shown}${where}${query === undefined ? "" : "?***"}`;
}
