import { expect, test } from "vitest";
import { systemTerminal } from "../../src/cli/terminal.ts";

function terminalOf(env: Record<string, string>, isTTY: boolean) {
  const written: string[] = [];
  const stream = (name: string) => ({ isTTY, columns: 60, write: (text: string) => written.push(`${name} ${text}`) });
  const terminal = systemTerminal({ env, cwd: () => "/here", stdout: stream("out"), stderr: stream("err") });
  return { terminal, written };
}

test("results go to stdout, talk to stderr", () => {
  const { terminal, written } = terminalOf({}, false);
  terminal.out("result");
  terminal.talk("talk");
  expect(written).toEqual(["out result", "err talk"]);
});

test("colours are for terminals, unless NO_COLOR or a dumb one says otherwise", () => {
  const isRed = (env: Record<string, string>, isTTY: boolean) =>
    terminalOf(env, isTTY).terminal.paintTalk.red("x") !== "x";
  expect(isRed({}, true)).toBe(true);
  expect(isRed({ NO_COLOR: "" }, true)).toBe(true);
  expect(isRed({}, false)).toBe(false);
  expect(isRed({ NO_COLOR: "1" }, true)).toBe(false);
  expect(isRed({ TERM: "dumb" }, true)).toBe(false);
});

test("a width is for terminals; paths count from INIT_CWD, else from the current folder", () => {
  expect(terminalOf({}, true).terminal).toMatchObject({ width: 60, helpWidth: 60, folder: "/here" });
  expect(terminalOf({ INIT_CWD: "/stood/here" }, false).terminal).toMatchObject({
    width: undefined,
    folder: "/stood/here",
  });
});
