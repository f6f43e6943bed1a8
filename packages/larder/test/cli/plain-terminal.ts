import pc from "picocolors";
import type { Terminal } from "../../src/cli/terminal.ts";

/** A terminal without colours that keeps what was written to it. */
export interface PlainTerminal extends Terminal {
  readonly said: string;
  readonly talked: string;
}

/** `width` makes its stderr a terminal. */
export function plainTerminal(width?: number, folder = process.cwd()): PlainTerminal {
  const paint = pc.createColors(false);
  let said = "";
  let talked = "";
  return {
    env: {},
    folder,
    width,
    helpWidth: 120,
    paint,
    paintTalk: paint,
    out: (text) => {
      said += text;
    },
    talk: (text) => {
      talked += text;
    },
    get said() {
      return said;
    },
    get talked() {
      return talked;
    },
  };
}
