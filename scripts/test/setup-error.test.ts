import { expect, test } from "vitest";
import { describeInstallFailure } from "../bootstrap/setup-error.mjs";

test.each([
  ["REGISTRY_UNREACHABLE", "npm error code ECONNREFUSED\nnpm error errno ECONNREFUSED"],
  ["REGISTRY_UNREACHABLE", "request to https://example.org/x failed, reason: getaddrinfo EAI_AGAIN example.org"],
  ["REGISTRY_UNREACHABLE", "ERR_PNPM_META_FETCH_FAIL GET https://example.org/x: ..."],
  ["REGISTRY_UNREACHABLE", "npm error code SELF_SIGNED_CERT_IN_CHAIN"],
  ["DISK_FULL", "ENOSPC: no space left on device, write"],
  ["LOCKFILE_OUTDATED", "ERR_PNPM_OUTDATED_LOCKFILE Cannot install with frozen-lockfile"],
  ["INSTALL_FAILED", "something else entirely"],
])("%s is told from what the installer said", (code, output) => {
  const error = describeInstallFailure("Node", output);
  expect(error.code).toBe(code);
  // A fact, then what to do.
  expect(error.message).toMatch(/^.+\. [A-Z].+\.$/);
});
