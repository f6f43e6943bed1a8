/** A set-up that can't go on: a code for scripts, a fact and a remedy for the reader. */
export class SetupError extends Error {
  constructor(code, what, remedy, cause) {
    super(`${what}. ${remedy}.`, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

const NETWORK =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ERR_SOCKET_TIMEOUT|UND_ERR|UNABLE_TO_|SELF_SIGNED|CERT_|META_FETCH_FAIL|TARBALL_FETCH|FETCH_ERROR|ERR_PNPM_FETCH/;
const DISK = /ENOSPC|EDQUOT/;

/** What npm or pnpm said when it failed, as one of our errors. `what` names what was being installed. */
export function describeInstallFailure(what, output) {
  const last = output.trim().split("\n").slice(-12).join("\n");
  const network = NETWORK.exec(output);
  if (network !== null) {
    return new SetupError(
      "REGISTRY_UNREACHABLE",
      `${what} could not be downloaded (${network[0]})`,
      'Check the network, the proxy and the registry ("npm ping", "npm config get registry"), then run the command again',
      last,
    );
  }
  if (DISK.test(output)) {
    const remedy = "Make room, or point LARDER_CACHE at a larger disk, and run the command again";
    return new SetupError("DISK_FULL", `${what} could not be installed, since the disk is full`, remedy, last);
  }
  if (output.includes("ERR_PNPM_OUTDATED_LOCKFILE")) {
    const remedy =
      'Run "pnpm install --no-frozen-lockfile" and commit pnpm-lock.yaml with the package.json that changed';
    return new SetupError("LOCKFILE_OUTDATED", "pnpm-lock.yaml does not fit the package.json files", remedy, last);
  }
  const remedy =
    "Read the lines above; with an empty cache (LARDER_CACHE=some/new/folder) everything is installed anew";
  return new SetupError("INSTALL_FAILED", `${what} could not be installed`, remedy, last);
}
