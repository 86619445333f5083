/** Whether a value will be read the same for ever. */
import { types } from 'node:util';
import { isPlainObject } from './plain-object.js';

/** Objects and lists must be frozen, and what they hold as well; a getter may give something else each time. */
export function isFrozenThroughout(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || types.isRegExp(value)) return true;
  if (!(isPlainObject(value) || Array.isArray(value)) || !Object.isFrozen(value)) return false;
  return Object.values(Object.getOwnPropertyDescriptors(value)).every(
    (property) => 'value' in property && isFrozenThroughout(property.value),
  );
}
