import type { CheckContext } from "./check-context.ts";

/** A key for S3 has two halves, and its server an address. */
export function checkOfflineStore({ file, at, has, problems }: CheckContext): void {
  const here = "offline_store.s3";
  const [id, secret, token] = ["access_key_id", "secret_access_key", "session_token"].map((key) => has(here, key));
  if (id !== secret || (token === true && id !== true)) {
    const remedy = "Write both access_key_id and secret_access_key, or neither for AWS's chain";
    problems.add(at("offline_store", "s3"), "has half of a key", remedy);
  }
  const endpoint = file.offline_store?.s3?.endpoint;
  if (endpoint === undefined) return;
  const url = URL.parse(endpoint);
  const plain = url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
  if (plain && url.pathname === "/" && url.search === "" && url.hash === "") return;
  problems.add(
    at(here, "endpoint"),
    "is no address of a server",
    "Write https://HOST or http://HOST:PORT, without a path",
  );
}
