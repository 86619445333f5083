/** The defaults of `dns()`, `file()` and `custom()`, by the paths that `docs/discovery.md` has. */

export const discoveryDefaults = {
  'dns.hostname': undefined,
  'dns.port': undefined,
  'dns.type': undefined,
  'dns.resolver': 'lookup',
  'dns.refresh': '5s',
  'dns.minTtl': '1s',
  'dns.servers': undefined,
  'file.path': undefined,
  'file.poll': '5s',
  'file.parse': undefined,
  'custom.name': 'custom discovery',
} as const;
