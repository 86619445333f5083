/** The refusal of a URL that belongs to none of the client's services. */
import { OptionsError } from '../core/errors.js';

export function otherOriginError(origin: string, services: readonly string[]): OptionsError {
  const expected = services.join(', ');
  return new OptionsError([
    {
      path: 'otherOrigins',
      found: origin,
      expected,
      message:
        `${origin} is not served by this client, which knows ${expected}; ` +
        `give otherOrigins: 'default-policy' or name it in services`,
    },
  ]);
}
