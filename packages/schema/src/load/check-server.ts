import { isLoopbackHost } from "../loopback.ts";
import { readSize } from "../size.ts";
import type { CheckContext } from "./check-context.ts";

/** What `server` says of credentials and certificates must fit together: what is half said would leave a door open in silence. */
export function checkServer(context: CheckContext): void {
  checkAuth(context);
  checkTls(context);
  checkServedLog(context);
}

/** Else rows would be dropped while the file that they are for waits to be long enough. */
function checkServedLog({ file, at, has, problems }: CheckContext): void {
  const log = file.server?.served_log;
  if (log === undefined || (!has("server.served_log", "max_pending") && !has("server.served_log", "rotate_size")))
    return;
  const [rotate, pending] = [readSize(String(log.rotate_size)), readSize(String(log.max_pending))];
  if (typeof rotate !== "number" || typeof pending !== "number" || rotate <= pending) return;
  const key = has("server.served_log", "rotate_size") ? "rotate_size" : "max_pending";
  const what = `leaves room for ${log.max_pending} of rows and has files of ${log.rotate_size}`;
  problems.add(at("server.served_log", key), what, "Make rotate_size at most max_pending");
}

function checkAuth({ file, at, has, problems }: CheckContext): void {
  const auth = file.server?.auth;
  if (typeof auth !== "object") return;
  if (!has("server.auth", "keys") && !has("server.auth", "jwt")) {
    const remedy = "Write { keys: FILE }, { jwt: … } or both, or none";
    problems.add(at("server", "auth"), "names neither keys nor jwt, so that every request would be refused", remedy);
  }
  if (!has("server.auth", "jwt")) return;
  const here = "server.auth.jwt";
  const [url, path] = [has(here, "jwks_url"), has(here, "jwks_file")];
  if (url === path) {
    const what = url ? "has jwks_url and jwks_file" : "has neither jwks_url nor jwks_file";
    problems.add(at("server.auth", "jwt"), what, "Give one of them");
  }
  const address = auth.jwt?.jwks_url;
  if (address === undefined || isSafe(address)) return;
  const remedy = "Write https://…; http:// is for 127.0.0.1, ::1 and localhost";
  problems.add(
    at(here, "jwks_url"),
    "is no https:// address; whoever is in between could put keys of their own there",
    remedy,
  );
}

function checkTls({ at, has, problems }: CheckContext): void {
  if (!has("server", "tls") || has("server.tls", "ca") === has("server.tls", "client_cert")) return;
  if (has("server.tls", "ca")) {
    problems.add(
      at("server.tls", "ca"),
      "is about certificates of clients, which nobody asks for",
      "Add client_cert: require, or remove it",
    );
  } else {
    problems.add(at("server.tls", "client_cert"), "needs to know who signs certificates of clients", "Add ca");
  }
}

function isSafe(address: string): boolean {
  const url = URL.parse(address);
  return url !== null && (url.protocol === "https:" || (url.protocol === "http:" && isLoopbackHost(url.hostname)));
}
