/** Reads of fetch's second argument what the platform reads, in its order, each member once. */
import type { ResilientRequestInit } from './request-init.js';

let members: ReadonlySet<string> | undefined;

/** What the platform at hand reads, told by itself, since versions differ; but for the dispatcher, which is ours. */
function membersOf(): ReadonlySet<string> {
  if (members !== undefined) return members;
  const read = new Set<string>();
  const watched = new Proxy(
    {},
    {
      get(_, name) {
        read.add(name as string);
      },
    },
  );
  new Request('data:,', watched);
  read.delete('dispatcher');
  members = read;
  return read;
}

/** Whether the platform looks at such a member. */
export function isMember(name: string): boolean {
  return membersOf().has(name);
}

/** A copy with the members that are there. */
export function readInit(init: object): ResilientRequestInit {
  const copy: Record<string, unknown> = {};
  for (const name of membersOf()) {
    const value = (init as Record<string, unknown>)[name];
    if (value !== undefined) copy[name] = value;
  }
  return copy;
}
