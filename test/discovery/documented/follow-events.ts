import type { EventEmitter } from 'node:events';
import type { Discovery } from '../../../src/index.js';

/** Follows something that emits `nodes`, with the addresses of now, and `error`. */
export function followEvents(nodes: EventEmitter): Discovery {
  return {
    name: 'nodes', // for messages
    start({ update, failed }) {
      nodes.on('nodes', update).on('error', failed);
      return { stop: () => void nodes.off('nodes', update).off('error', failed) };
    },
  };
}
