/** What runs in any JavaScript runtime, browsers too: errors and exact JSON, without a Node module behind them. */
export { ERROR_CODES, type ErrorCode, isLarderError, LarderError, type Problem } from "./errors.ts";
export { parseJson } from "./json/parse-json.ts";
