/** Lets calls wait while the discovery of their service has not brought its first list; then it is taken out. */
import type { AwaitedList } from '../cluster/awaited-list.js';
import type { CallLayer } from '../core/layer.js';

export function discovery(list: AwaitedList): CallLayer {
  return {
    name: 'discovery',
    start: (call) => list.wait(call),
    end: (call) => list.leave(call),
  };
}
