/** `Idempotency-Key`: one key a call, the same on each of its attempts, so that a service can tell a repetition. */
import type { Call } from '../core/call.js';
import { IDEMPOTENT_METHODS, type RetryPolicy } from '../core/policy.js';
import { headersOf } from '../core/raw-headers.js';
import type { Runtime } from '../core/runtime.js';

const NAME = 'idempotency-key';

/** True when the call carries a key, the caller's own or one that was made for it. */
export function hasKey({ headers }: Call): boolean {
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] ?? '';
    if (name.length === NAME.length && name.toLowerCase() === NAME) return true;
  }
  return false;
}

/** Gives a key to a call that needs one to be repeated; one that the caller gave stays. */
export function giveKey(call: Call, key: Exclude<RetryPolicy['idempotencyKey'], false>): void {
  if (IDEMPOTENT_METHODS.has(call.method) || hasKey(call)) return;
  const { method, path, headers, chain } = call;
  const value =
    key === true ? uuid(chain.runtime) : key({ method, path, headers: headersOf(headers) });
  if (typeof value !== 'string' || !/^[!-~]+$/.test(value)) {
    throw new TypeError(
      `retry.idempotencyKey gave ${typeof value === 'string' ? JSON.stringify(value) : typeof value}, expected text without white space`,
    );
  }
  call.headers = [...headers, NAME, value];
}

/** A random UUID, version 4 (RFC 9562, 5.4), of the runtime's chance. */
function uuid(runtime: Runtime): string {
  const digits = Array.from({ length: 32 }, () => Math.floor(runtime.random() * 16));
  digits[12] = 4;
  digits[16] = 8 + ((digits[16] ?? 0) % 4);
  const text = digits.map((digit) => digit.toString(16)).join('');
  return text.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
