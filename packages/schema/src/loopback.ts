/** True for an address that only this machine reaches: 127.0.0.0/8, ::1 (as an URL writes it, too) and localhost. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
