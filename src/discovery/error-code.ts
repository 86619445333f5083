/** The code of an error of the system: where tests run in a realm of their own (jest, vm), it is no `Error` of theirs. */

export function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
