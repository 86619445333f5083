/** Freezes an object and everything it holds, so that writing to any of it throws. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    if (Object.isFrozen(value) && Object.keys(value).length > 0) return value;
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
