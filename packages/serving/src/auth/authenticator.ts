import type { AuthConfig } from "@larder/schema";
import { type Authenticator, type AuthenticatorParts, type Credential, unauthenticated } from "./credential.ts";
import { KeyRing } from "./key-ring.ts";
import { TokenJudge } from "./token-judge.ts";

/**
 * Opens what `server.auth` names.
 * @throws CONFIG_UNREADABLE, CONFIG_INVALID where the file of API keys or the one of token keys cannot be used
 */
export async function openAuthenticator(config: AuthConfig, parts: AuthenticatorParts): Promise<Authenticator> {
  const ring = config.keys === undefined ? undefined : await KeyRing.open(config.keys, parts);
  try {
    const judge = config.jwt === undefined ? undefined : await TokenJudge.open(config.jwt, parts);
    return new Bearers(ring, judge);
  } catch (error) {
    await ring?.close();
    throw error;
  }
}

class Bearers implements Authenticator {
  readonly #ring: KeyRing | undefined;
  readonly #judge: TokenJudge | undefined;

  constructor(ring: KeyRing | undefined, judge: TokenJudge | undefined) {
    this.#ring = ring;
    this.#judge = judge;
  }

  authenticate(authorization: string | undefined): Credential | Promise<Credential> {
    if (authorization === undefined) {
      throw unauthenticated("The request has no credential", "Send the header `authorization: Bearer …`");
    }
    const [, bearer] = /^bearer +([\w.~+/=-]+) *$/i.exec(authorization) ?? [];
    if (bearer === undefined) {
      throw unauthenticated("The authorization header is not a bearer credential", "Send `Bearer` and the credential");
    }
    // API keys have no dots, and tokens always two.
    if (bearer.includes(".") && this.#judge !== undefined) return this.#judge.judge(bearer);
    const credential = this.#ring?.find(bearer);
    if (credential !== undefined) return credential;
    throw unauthenticated("The credential is not known here, or has expired", "Send one that is valid");
  }

  async close(): Promise<void> {
    await this.#ring?.close();
    await this.#judge?.close();
  }
}
