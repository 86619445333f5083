/** The options that are code of the user's: middleware, layers, the tracing hook, the runtime. */
import type { AttemptLayer, CallLayer } from '../core/layer.js';
import type { Runtime } from '../core/runtime.js';
import { listOf, quote } from './describe.js';
import type { Around, Middleware } from './options.js';
import type { Place, Reader } from './place.js';
import { functionOf, list, object } from './readers.js';

export const readMiddleware = list(
  functionOf<Middleware>('a function (request, next) => Promise<Response>'),
  'a list of functions (request, next) => Promise<Response>',
);

export const readAround = functionOf<Around>('a function (attempt, dispatch) => void');

export const readLayers = object(
  {
    call: list(layer<CallLayer>(['start', 'judge', 'end']), 'a list of call layers'),
    attempt: list(
      layer<AttemptLayer>(['start', 'connected', 'head', 'end']),
      'a list of attempt layers',
    ),
  },
  "an object with the lists 'call' and 'attempt'",
);

const RUNTIME = ['now', 'date', 'random', 'setTimer', 'clearTimer', 'defer'] as const;

export const readRuntime: Reader<Runtime> = (value, at) => {
  const expected = `a runtime with the functions ${listOf(RUNTIME, 'and')}`;
  const members = readMembers(value, RUNTIME, at, expected);
  if (members === null) return null;
  const missing = RUNTIME.filter((name) => typeof members.get(name) !== 'function');
  return missing.length === 0
    ? (value as Runtime)
    : at.refuseFound(`one without ${listOf(missing, 'and')}`, expected);
};

/** A layer may be an instance of a class and have more than its hooks; without any hook it would do nothing. */
function layer<T extends CallLayer | AttemptLayer>(hooks: readonly string[]): Reader<T> {
  const expected = `a layer: an object with a 'name' and at least one of the hooks ${listOf(hooks)}`;
  return (value, at) => {
    const members = readMembers(value, ['name', ...hooks], at, expected);
    if (members === null) return null;
    const name = members.get('name');
    if (typeof name !== 'string' || name === '') {
      at.key('name').refuse(name, 'the name of the layer');
    }
    const given = hooks.filter((hook) => members.get(hook) !== undefined);
    if (given.length === 0) return at.refuseFound('an object without a hook', expected);
    for (const hook of given) {
      const member = members.get(hook);
      if (typeof member !== 'function') {
        at.key(hook).refuse(member, `the hook ${quote(hook)}, a function`);
      }
    }
    return value as T;
  };
}

/** Members of any object, inherited ones included. */
function readMembers(
  value: unknown,
  names: readonly string[],
  at: Place,
  expected: string,
): Map<string, unknown> | null {
  if (typeof value !== 'object' || value === null) return at.refuse(value, expected);
  try {
    return new Map(names.map((name) => [name, (value as Record<string, unknown>)[name]]));
  } catch {
    return at.refuseFound('an object that throws when it is read', expected);
  }
}
