import { SCOPES, type Scope } from "@larder/contract";
import { isLarderError, type JwtConfig, type LarderError } from "@larder/schema";
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { type AuthenticatorParts, type Credential, unauthenticated } from "./credential.ts";
import { KeySetAddress, type KeySets, openKeySetFile } from "./key-sets.ts";

/** Signatures that are taken: those with a public key. A shared secret (HS256) could be guessed from a token, and `none` is nothing. */
const ALGORITHMS = [
  "EdDSA",
  "Ed25519",
  "ES256",
  "ES384",
  "ES512",
  "PS256",
  "PS384",
  "PS512",
  "RS256",
  "RS384",
  "RS512",
];

/** How far the clocks of issuer and server may differ, in seconds. */
const CLOCK_SKEW_SECONDS = 60;

/** Judges JSON Web Tokens: signature, issuer, audience and times; reads tenants and scopes from their claims. */
export class TokenJudge {
  readonly #config: JwtConfig;
  readonly #keys: KeySets;
  readonly #clock: AuthenticatorParts["clock"];

  /** @throws CONFIG_UNREADABLE, CONFIG_INVALID for a file of keys. An address is asked when the first token comes. */
  static async open(config: JwtConfig, parts: AuthenticatorParts): Promise<TokenJudge> {
    const { jwks } = config;
    const keys = "file" in jwks ? await openKeySetFile(jwks.file, parts) : new KeySetAddress(jwks.url, parts);
    return new TokenJudge(config, keys, parts.clock);
  }

  private constructor(config: JwtConfig, keys: KeySets, clock: AuthenticatorParts["clock"]) {
    this.#config = config;
    this.#keys = keys;
    this.#clock = clock;
  }

  /** @throws UNAUTHENTICATED, AUTH_UNAVAILABLE */
  async judge(token: string): Promise<Credential> {
    const payload = await this.#verify(token, await this.#keys.current()).catch(async (error: unknown) => {
      // A key that is not known here may be a new one.
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw refusal(error);
      return this.#verify(token, await this.#keys.newer()).catch((again: unknown) => {
        throw refusal(again);
      });
    });
    const { tenantClaim, scopesClaim } = this.#config;
    return {
      id: typeof payload.sub === "string" ? payload.sub : "token",
      tenants: texts(payload[tenantClaim]),
      scopes: new Set(
        texts(payload[scopesClaim])
          .flatMap((text) => text.split(" "))
          .filter(isScope),
      ),
    };
  }

  close(): Promise<void> {
    return this.#keys.close();
  }

  async #verify(token: string, key: JWTVerifyGetKey): Promise<JWTPayload> {
    const { payload } = await jwtVerify(token, key, {
      issuer: this.#config.issuer,
      audience: this.#config.audience,
      algorithms: ALGORITHMS,
      clockTolerance: CLOCK_SKEW_SECONDS,
      currentDate: new Date(this.#clock.now() / 1000),
      requiredClaims: ["exp"],
    });
    return payload;
  }
}

/** Says which rule the token broke, and nothing of what it holds. */
function refusal(error: unknown): LarderError {
  if (isLarderError(error)) return error;
  const remedy = "Get a new token from the issuer, for this audience";
  if (error instanceof errors.JWTExpired) return unauthenticated("The token has expired", remedy, error);
  if (error instanceof errors.JWTClaimValidationFailed) {
    return unauthenticated(`The token's claim ${error.claim} is missing or not as required here`, remedy, error);
  }
  if (error instanceof errors.JOSEError) return unauthenticated("The token is not valid", remedy, error);
  throw error;
}

function texts(claim: unknown): readonly string[] {
  if (typeof claim === "string") return [claim];
  return Array.isArray(claim) ? claim.filter((each) => typeof each === "string") : [];
}

function isScope(text: string): text is Scope {
  return SCOPES.some((scope) => scope === text);
}
