/** Something a test needs that can't be had here; the remedy says how the reader can get it. */
export class RemedyError extends Error {
  constructor(what, remedy, cause) {
    super(`${what}. ${remedy}.`, cause === undefined ? undefined : { cause });
    this.what = what;
    this.remedy = remedy;
  }
}
