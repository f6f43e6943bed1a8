/** Where a server listens: a TCP port or a unix socket. */
export type RedisEndpoint = { readonly host: string; readonly port: number } | { readonly path: string };

/** How a connection is made secure; files are absolute paths of PEM. */
export interface TlsSettings {
  /** The CAs to trust instead of the system's. */
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  /** Default: certFile holds the key, too. */
  readonly keyFile: string | undefined;
  /** False: any certificate will do. */
  readonly verify: boolean;
  /** False: the certificate may be another host's. */
  readonly checkHost: boolean;
}

/** How to get in. */
export interface RedisLogin {
  readonly tls: TlsSettings | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
}

/** What a configuration points at. */
export type RedisTarget =
  | { readonly kind: "single"; readonly endpoint: RedisEndpoint; readonly login: RedisLogin }
  /** Any of the seeds tells which primaries there are. */
  | { readonly kind: "cluster"; readonly seeds: readonly RedisEndpoint[]; readonly login: RedisLogin }
  | {
      readonly kind: "sentinel";
      readonly sentinels: readonly RedisEndpoint[];
      /** The name that the Sentinels know the primary by. */
      readonly master: string;
      readonly login: RedisLogin;
      readonly sentinelLogin: RedisLogin;
    };

/** `host:port` or the path of the socket, for messages. */
export function endpointText(endpoint: RedisEndpoint): string {
  if ("path" in endpoint) return endpoint.path;
  return `${endpoint.host.includes(":") ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`;
}
