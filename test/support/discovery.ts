/** A discovery that says what the test tells it to, and remembers what became of it. */
import type { Discovery, DiscoveryHost, EndpointList } from '../../src/index.js';

export class ManualDiscovery implements Discovery {
  readonly name: string;
  /** Of each start. */
  readonly hosts: DiscoveryHost[] = [];
  stops = 0;
  refreshes = 0;

  constructor(name = 'the test') {
    this.name = name;
  }

  start(host: DiscoveryHost): { stop(): void; refresh(): void } {
    this.hosts.push(host);
    return {
      stop: () => void (this.stops += 1),
      refresh: () => void (this.refreshes += 1),
    };
  }

  /** To whoever has started it last. */
  update(list: EndpointList): void {
    this.hosts.at(-1)?.update(list);
  }

  fail(reason: unknown): void {
    this.hosts.at(-1)?.failed(reason);
  }
}
