import { expect, test } from "vitest";
import { FairShare } from "../../src/admission/fair-share.ts";

test("a tenant alone may take all, two have half each, and above its share a tenant starts nothing", () => {
  const share = new FairShare(4);
  for (let i = 0; i < 4; i++) share.enter("a");
  expect(() => share.enter("a")).toThrow(expect.objectContaining({ code: "RATE_LIMITED" }));
  share.enter("b");
  share.enter("b");
  expect(() => share.enter("b")).toThrow(expect.objectContaining({ code: "RATE_LIMITED" }));
  share.leave("a");
  share.leave("a");
  expect(() => share.enter("a")).toThrow(expect.objectContaining({ code: "RATE_LIMITED" }));
  share.leave("a");
  share.enter("a");
  expect([...share.underWay]).toEqual([
    ["a", 2],
    ["b", 2],
  ]);
});

test("with more tenants than room each has one request", () => {
  const share = new FairShare(2);
  for (const tenant of ["a", "b", "c", "d"]) share.enter(tenant);
  for (const tenant of ["a", "b", "c", "d"]) expect(() => share.enter(tenant)).toThrow(/share/);
});

test("who has left is forgotten, and the rest has its room", () => {
  const share = new FairShare(2);
  share.enter("a");
  share.enter("b");
  share.leave("b");
  share.enter("a");
  expect([...share.underWay]).toEqual([["a", 2]]);
});
