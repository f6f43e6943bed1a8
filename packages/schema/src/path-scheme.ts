/** Whether a path says what kind of place it is in: `s3://…`, `file://…`. Such a path counts from nowhere on this machine. */
export function hasScheme(path: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(path);
}
