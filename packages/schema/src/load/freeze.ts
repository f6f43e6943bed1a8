/** Freezes a value and everything in it; Maps lose their ways to change. Bytes cannot be frozen and stay as they are. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value)) return value;
  if (value instanceof Map) {
    for (const [key, each] of value) {
      deepFreeze(key);
      deepFreeze(each);
    }
    for (const method of ["set", "delete", "clear"]) Object.defineProperty(value, method, { value: refuseChange });
  }
  Object.freeze(value);
  for (const each of Object.values(value)) deepFreeze(each);
  return value;
}

function refuseChange(): never {
  throw new TypeError("Definitions are immutable");
}
