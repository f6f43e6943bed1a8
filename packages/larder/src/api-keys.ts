import { SCOPES, type Scope } from "@larder/contract";
import { type Definitions, findTenant, LarderError, loadDefinitions, parseTime, systemClock } from "@larder/schema";
import { createApiKey, listApiKeys, revokeApiKey } from "@larder/serving";
import { durationOption } from "./cli/duration-option.ts";

/** Which definitions name the file of keys. */
interface KeysRequest {
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A key as it is listed: nothing of it can be used as a key. */
export interface ListedKey {
  readonly id: string;
  readonly tenants: readonly string[];
  readonly scopes: readonly Scope[];
  readonly created: string;
  /** null = never. */
  readonly expires: string | null;
  readonly expired: boolean;
}

/**
 * Makes an API key and adds it to the file of `server.auth.keys`.
 * @throws USAGE where there is no such file in the definitions, for an unknown scope, a bad duration; UNKNOWN_TENANT; OUTPUT_UNWRITABLE
 */
export async function createKey(
  request: KeysRequest & {
    readonly tenants: readonly string[];
    /** With commas. */
    readonly scopes: string;
    readonly expires: string | undefined;
  },
): Promise<{ readonly id: string; readonly key: string }> {
  const { definitions, keys } = await keysFile(request);
  const tenants = new Set(request.tenants.map((name) => findTenant(definitions, name).name));
  const expiresIn = request.expires === undefined ? undefined : lifetime(request.expires);
  const wish = { tenants: [...tenants], scopes: scopesOf(request.scopes), expiresIn };
  return createApiKey(keys, wish, systemClock);
}

/** The keys of the file, of one tenant if it is named. @throws USAGE, UNKNOWN_TENANT, CONFIG_INVALID, CONFIG_UNREADABLE */
export async function listKeys(
  request: KeysRequest & { readonly tenant: string | undefined },
): Promise<readonly ListedKey[]> {
  const { definitions, keys } = await keysFile(request);
  const tenant = request.tenant === undefined ? undefined : findTenant(definitions, request.tenant).name;
  const now = systemClock.now();
  return (await listApiKeys(keys))
    .filter(({ tenants }) => tenant === undefined || tenants.includes(tenant))
    .map(({ expires, ...key }) => ({
      ...key,
      expires: expires ?? null,
      expired: expires !== undefined && parseTime(expires) <= now,
    }));
}

/** Takes a key out of the file. @throws USAGE where there is none of this id; UNKNOWN_TENANT, OUTPUT_UNWRITABLE */
export async function revokeKey(
  request: KeysRequest & { readonly id: string; readonly tenant: string | undefined },
): Promise<void> {
  const { definitions, keys } = await keysFile(request);
  if (request.tenant !== undefined) findTenant(definitions, request.tenant);
  await revokeApiKey(keys, request.id);
}

async function keysFile({ file, env }: KeysRequest): Promise<{ definitions: Definitions; keys: string }> {
  const definitions = await loadDefinitions(file, { env });
  const { auth } = definitions.server;
  if (typeof auth === "object" && auth.keys !== undefined) return { definitions, keys: auth.keys };
  throw new LarderError("USAGE", {
    what: `${file} names no file of API keys`,
    remedy: "Write server: { auth: { keys: keys.jsonl } } in it",
    facts: { file, field: "server.auth.keys" },
  });
}

function lifetime(text: string): number {
  const micros = durationOption("--expires", text);
  if (micros > 0) return micros;
  throw new LarderError("USAGE", { what: "--expires is zero", remedy: "Write a duration, as in 90d, or leave it out" });
}

function scopesOf(list: string): readonly Scope[] {
  const words = list.split(",").map((word) => word.trim());
  const scopes = words.map((word) => {
    const scope = SCOPES.find((each) => each === word);
    if (scope !== undefined) return scope;
    throw new LarderError("USAGE", {
      what: `"${word.slice(0, 100)}" is no scope`,
      remedy: `Use one or more of ${SCOPES.join(", ")}, with commas`,
      facts: { field: "--scopes" },
    });
  });
  return [...new Set(scopes)];
}
