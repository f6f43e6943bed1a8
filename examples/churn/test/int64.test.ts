import { afterAll, beforeAll, expect, test } from "vitest";
import { type ChurnFolder, churnFolder } from "./churn-folder.ts";
import { post } from "./churn-server.ts";

/** Beyond 2^53 a JSON parser that uses doubles reads this as 9007199254740992. */
const BIG = "9007199254740993";
const BELOW = "9007199254740992";

let folder: ChurnFolder;

beforeAll(async () => {
  folder = await churnFolder();
});

afterAll(() => folder[Symbol.asyncDispose]());

test("2^53+1 as entity key and as feature goes in by /push and comes back exact", async () => {
  await using server = await folder.serve();
  const now = new Date().toISOString();
  const pushed = await post(
    `${server.url}/push`,
    `{"push_source_name":"billing","df":{"customer_id":[${BIG},"${BELOW}"],"event_timestamp":["${now}","${now}"],` +
      `"monthly_charges":[1,2],"total_charges":[1,2],"last_invoice":[${BIG},"-${BIG}"]}}`,
  );
  expect(pushed).toMatchObject({ status: 200 });
  const read = await post(
    `${server.url}/get-online-features`,
    `{"features":["billing:last_invoice","billing:monthly_charges"],"entities":{"customer_id":[${BIG},${BELOW},"${BIG}"]}}`,
  );
  expect(read.status).toBe(200);
  const values = [...read.text.matchAll(/"values":(\[[^\]]*\])/g)].map(([, list]) => list);
  expect(values).toEqual([
    expect.stringMatching(new RegExp(`^\\[${BIG},${BELOW},"?${BIG}"?\\]$`)),
    `[${BIG},-${BIG},${BIG}]`,
    "[1,2,1]",
  ]);

  const got = await folder.larder(
    "get",
    "--features",
    "billing:last_invoice",
    "--entity",
    `customer_id=${BIG}`,
    "--json",
  );
  expect(got.code).toBe(0);
  expect(got.stdout).toContain(`"value":${BIG}`);
});
