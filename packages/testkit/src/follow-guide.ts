import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** A fenced block of a Markdown page: ```` ```yaml feature_store.yaml ```` has the kind `yaml` and the file `feature_store.yaml`. */
export interface DocumentBlock {
  readonly kind: string;
  /** Empty when the block names none. */
  readonly file: string;
  readonly text: string;
  /** Where its text begins, from 1. */
  readonly line: number;
}

/** The fenced blocks of a page, in order. */
export function documentBlocks(page: string): readonly DocumentBlock[] {
  return [...page.matchAll(/^```(\w*) ?(\S*)\n(.*?)^```$/gms)].map((match) => {
    const [, kind = "", file = "", text = ""] = match;
    return { kind, file, text, line: page.slice(0, match.index).split("\n").length + 1 };
  });
}

/** What a command of a guide said, both streams together. */
export interface CommandEnd {
  readonly code: number | null;
  readonly output: string;
}

/** Where a guide is followed, and how its commands are run. */
export interface GuideReader {
  /** Where the guide begins; `cd` moves on from there. */
  readonly folder: string;
  run(command: string, folder: string): Promise<CommandEnd>;
}

/**
 * Does what a guide says, block by block, and fails at the first line that does not hold. Answers how many commands were run.
 *
 * - A block that names a file is written there, whole.
 * - `diff FILE` changes a file: its lines with a space or `-` stand in the file once, in a row; those with a space or `+` come in their place.
 * - `sh` is run line by line. A command ends with 0, or as a comment behind it says: `# exit code 2`.
 * - `text` is, whole lines of it, in the output of the last command before it.
 *
 * Any other block fails: what a page shows is tried.
 */
export async function followGuide(page: string, reader: GuideReader): Promise<number> {
  let folder = reader.folder;
  let output = "";
  let commands = 0;
  for (const { kind, file, text, line } of documentBlocks(page)) {
    if (kind === "diff" && file !== "") {
      const path = join(folder, file);
      await writeFile(path, patched(await readFile(path, "utf8"), text, line));
    } else if (file !== "") {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), text);
    } else if (kind === "text") {
      if (text.trim() === "" || !`\n${output}`.includes(`\n${text}`))
        throw new Error(`line ${line} does not hold: the command said\n${output}`);
    } else if (kind === "sh") {
      for (const { command, code } of commandsOf(text)) {
        const moved = /^cd (\S+)$/.exec(command)?.[1];
        if (moved !== undefined) {
          folder = join(folder, moved);
          continue;
        }
        const end = await reader.run(command, folder);
        if (end.code !== code)
          throw new Error(`line ${line}: ${command} ended with ${end.code}, not ${code}: ${end.output}`);
        output = end.output;
        commands++;
      }
    } else {
      throw new Error(`line ${line}: a block of kind "${kind}" that names no file cannot be tried`);
    }
  }
  return commands;
}

function commandsOf(text: string): readonly { readonly command: string; readonly code: number }[] {
  return text
    .replaceAll("\\\n", " ")
    .split("\n")
    .map((line) => {
      const [command = "", comment = ""] = line.split(/(?:^| +)# /, 2);
      return { command: command.trim(), code: Number(/^exit code (\d+)/.exec(comment)?.[1] ?? 0) };
    })
    .filter(({ command }) => command !== "");
}

function patched(content: string, diff: string, line: number): string {
  const lines = diff.trimEnd().split("\n");
  const side = (mark: string) =>
    lines.filter((each) => " ".concat(mark).includes(each.charAt(0))).map((each) => each.slice(1));
  const [before, after] = [side("-"), side("+")].map((each) => `\n${each.join("\n")}\n`);
  const parts = `\n${content}`.split(before ?? "");
  if (parts.length !== 2)
    throw new Error(`line ${line}: the lines to change stand ${parts.length - 1} times in the file`);
  return parts.join(after).slice(1);
}
