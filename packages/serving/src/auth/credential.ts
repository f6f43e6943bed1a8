import type { Scope } from "@larder/contract";
import { type Clock, LarderError } from "@larder/schema";

/** Whom a request comes from, and what for. */
export interface Credential {
  /** What logs and lists know it by: no secret. */
  readonly id: string;
  /** Whose rows it may touch. */
  readonly tenants: readonly string[];
  readonly scopes: ReadonlySet<Scope>;
}

/** Tells who sends a request. Needs neither the online store nor, between its reloads, anything else that can be away. */
export interface Authenticator {
  /**
   * The credential of an `Authorization` header.
   * @throws UNAUTHENTICATED where there is none, or none that is valid now; AUTH_UNAVAILABLE where keys to judge a token by have never been read
   */
  authenticate(authorization: string | undefined): Credential | Promise<Credential>;
  close(): Promise<void>;
}

/** What an {@link Authenticator} works with. */
export interface AuthenticatorParts {
  readonly clock: Clock;
  /** Told when keys could not be read again; those known before go on to count. */
  readonly onProblem: (problem: LarderError) => void;
  /** How often files are looked at, in milliseconds. Default 1 s: so long may a revoked key still count. */
  readonly pollMs?: number;
  /** Longest wait for the issuer of tokens, in milliseconds. Default 5 s. */
  readonly fetchMs?: number;
}

/** The refusal of who cannot be told. Says nothing of what was sent. */
export function unauthenticated(what: string, remedy: string, cause?: unknown): LarderError {
  return new LarderError("UNAUTHENTICATED", { what, remedy, facts: { field: "authorization" }, cause });
}
