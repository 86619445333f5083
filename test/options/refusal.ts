/** What a reading function says of wrong options. */
import { expect, test } from 'vitest';
import { OptionsError } from '../../src/core/errors.js';
import { certificateAuthority } from '../support/certificates.js';

/** The full message with which it throws; an empty text when it does not. */
export function refusalOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof OptionsError) return error.message;
    throw error;
  }
  return '';
}

/** One test for each row: what is wrong, the options, and the whole message, one line for each problem. */
export function testRefusals(
  read: (options: unknown) => unknown,
  rows: readonly (readonly [what: string, options: unknown, ...message: string[]])[],
): void {
  for (const [what, options, ...message] of rows) {
    test(what, () => {
      expect(refusalOf(() => read(options)).split('\n')).toEqual(message);
    });
  }
}

/** A certificate, and its private key. */
export const { cert: PEM, key: KEY } = await (
  await certificateAuthority()
).issue({ names: ['web.test'] });
