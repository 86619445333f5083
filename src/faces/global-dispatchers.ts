/** The places where copies of undici look for the process's dispatcher, and whether what stands there is the usual one. */
import { types } from 'node:util';
import type { Dispatcher } from 'undici';
import { PLATFORM } from './platform.js';

/** The first is that of undici 6 and 7, the second that of undici 8; each setter may write the other one too. */
export const SLOTS = [
  Symbol.for('undici.globalDispatcher.1'),
  Symbol.for('undici.globalDispatcher.2'),
] as const;

export type Slot = (typeof SLOTS)[number];

/** The one that the platform's own fetch reads. */
export const PLATFORM_SLOT: Slot = PLATFORM >= 8 ? SLOTS[1] : SLOTS[0];

const scope = globalThis as unknown as Record<Slot, Dispatcher | undefined>;

/** What stands in a slot; nothing, until a copy of undici that uses it is loaded. */
export function dispatcherIn(slot: Slot): Dispatcher | undefined {
  // The platform loads its own copy when one of its classes is touched for the first time.
  Reflect.get(globalThis, 'Response');
  return scope[slot];
}

/** By assignment where there is something: undici's slots cannot be deleted or defined anew in another form. */
export function putInto(slot: Slot, dispatcher: Dispatcher): void {
  if (slot in scope) scope[slot] = dispatcher;
  else Object.defineProperty(scope, slot, { value: dispatcher, writable: true });
}

/** Looked at for each call, so without anything around it. */
export function isIn(slot: Slot, dispatcher: Dispatcher): boolean {
  return scope[slot] === dispatcher;
}

/**
 * An `Agent` of any copy of undici with nothing said to it, as the platform makes it, and every copy that is imported.
 * What is not surely that counts as somebody's own.
 */
export function isPlainAgent(dispatcher: Dispatcher): boolean {
  // compose() makes a proxy.
  if (types.isProxy(dispatcher) || Object.hasOwn(dispatcher, 'dispatch')) return false;
  if (classOf(dispatcher) !== 'Agent') return false;
  // A class of somebody's own may be called so too, but stands on one of undici's.
  if (classOf(Object.getPrototypeOf(dispatcher) as object) !== 'DispatcherBase') return false;
  const factory = memberNamed(dispatcher, 'factory');
  const options = memberNamed(dispatcher, 'options');
  return (
    typeof factory === 'function' &&
    factory.name === 'defaultFactory' &&
    (memberNamed(dispatcher, 'maxRedirections') ?? 0) === 0 &&
    typeof options === 'object' &&
    options !== null &&
    Object.values(options).every((value) => value === undefined || value === Infinity)
  );
}

/** Undici 8 puts one into the first slot, around what it puts into the second. */
export function isWrapperOfSecond(dispatcher: Dispatcher): boolean {
  return !types.isProxy(dispatcher) && classOf(dispatcher) === 'Dispatcher1Wrapper';
}

/** The name of the class that it is made of. */
function classOf(object: object): string | undefined {
  const prototype = Object.getPrototypeOf(object) as { constructor?: { name?: string } } | null;
  return prototype?.constructor?.name;
}

/** Undici keeps its members under symbols of its own, whose descriptions have been the same since its fourth version. */
function memberNamed(dispatcher: Dispatcher, description: string): unknown {
  const symbol = Object.getOwnPropertySymbols(dispatcher).find(
    (candidate) => candidate.description === description,
  );
  return symbol === undefined ? undefined : Reflect.get(dispatcher, symbol);
}
