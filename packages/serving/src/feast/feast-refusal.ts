import { type ErrorCode, LarderError } from "@larder/schema";

/** A request that Feast's own server refuses, with Feast's status and body. Thrown on strict routes only. */
export class FeastRefusal extends LarderError {
  readonly status: number;
  /** JSON. */
  readonly body: string;

  constructor(code: ErrorCode, status: number, body: string) {
    super(code, { what: body.slice(0, 200), remedy: "Ask as Feast's server expects it" });
    this.status = status;
    this.body = body;
  }
}

/** An exception of Feast's own: its client raises the class that is named. */
export function feastError(code: ErrorCode, status: number, className: string, message: string): FeastRefusal {
  const parts = [`"module": "feast.errors"`, `"class": "${className}"`, `"message": ${asciiJson(message)}`];
  return new FeastRefusal(code, status, JSON.stringify(`{${parts.join(", ")}}`));
}

/** Any other exception of Python's: 500 with its message. */
export function pythonError(message: string, code: ErrorCode = "INVALID_REQUEST"): FeastRefusal {
  return new FeastRefusal(code, 500, JSON.stringify(message));
}

/** Python's KeyError, whose message is the key as source text. */
export function keyError(key: string, code: ErrorCode = "INVALID_REQUEST"): FeastRefusal {
  return pythonError(pythonText(key), code);
}

/** What FastAPI answers by itself; `detail` is JSON. */
export function detailRefusal(code: ErrorCode, status: number, detail: string): FeastRefusal {
  return new FeastRefusal(code, status, `{"detail":${detail}}`);
}

/** A text as Python's source has it: in single quotes, unless it has some and no double ones. */
export function pythonText(text: string): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t");
  return escaped.includes("'") && !escaped.includes('"') ? `"${escaped}"` : `'${escaped.replaceAll("'", "\\'")}'`;
}

/** A list of texts as Python prints it. */
export function pythonList(texts: readonly string[]): string {
  return `[${texts.map(pythonText).join(", ")}]`;
}

/** JSON as Python's `json.dumps` writes it: whatever is beyond ASCII as escapes. */
function asciiJson(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
