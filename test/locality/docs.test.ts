/** The page on localities: its examples are right options, nothing of them is warned of, and they do what it says. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Counters } from '../../src/cluster/counters.js';
import { Endpoint } from '../../src/cluster/endpoint.js';
import { Rotation } from '../../src/cluster/rotation.js';
import { balancerFactory } from '../../src/balancing/policies.js';
import type { Call } from '../../src/core/call.js';
import { localityPolicy } from '../../src/locality/locality-policy.js';
import type { NormalizedService } from '../../src/options/normalized.js';
import { readOptions } from '../../src/options/validate.js';
import { policyWarnings } from '../../src/options/warnings.js';
import { seededChance, StillRuntime } from '../balancing/fleet.js';

const page = readFileSync(new URL('../../docs/localities.md', import.meta.url), 'utf8');

/** The services of the examples, in their order. */
const services = [...page.matchAll(/```js\nimport .*\n([^]*?)\n```/g)].map(([, code = '']) => {
  const read: NormalizedService[] = [];
  // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call -- the page's own code
  new Function('createResilientClient', code)((options: unknown) => {
    read.push(...readOptions(options).services.values());
  });
  return read[0] as NormalizedService;
});

const exampleOf = (kind: 'failoverPriority' | 'zoneAware') => {
  const service = services.find(({ locality }) => {
    const given = locality?.[kind];
    return given !== undefined && (!('length' in given) || given.length > 0);
  });
  if (service === undefined) throw new Error(`no example of ${kind}`);
  const endpoints = service.endpoints.map((address) => new Endpoint(address, 0));
  const factory = balancerFactory({ policy: 'random' });
  const rotation = new Rotation(
    endpoints,
    factory,
    new StillRuntime(seededChance(5)),
    new Counters(),
  );
  rotation.setLocality(localityPolicy(service.locality, service.outlierDetection !== undefined));
  return { endpoints, rotation };
};

test('there are no warnings', () => {
  expect(services).toHaveLength(5);
  for (const service of services) expect(policyWarnings(service, '')).toEqual([]);
});

test('by labels: the four endpoints come one after the other', () => {
  expect(exampleOf('failoverPriority').endpoints.map(({ priority }) => priority)).toEqual([
    0, 1, 2, 3,
  ]);
});

test('by zones: the shares that it says', () => {
  const { rotation } = exampleOf('zoneAware');
  const counts = new Map<string, number>();
  for (let pick = 0; pick < 100_000; pick++) {
    const { locality } = rotation.pick({ attempts: [] } as unknown as Call) as Endpoint;
    counts.set(locality, (counts.get(locality) ?? 0) + 1);
  }
  const said =
    /So `25 \/ 40`, ([\d.]+) %, of its calls stay\.[^]*?\n?([\d.]+) %\s+of the calls go to b, ([\d.]+) % to c/.exec(
      page,
    );
  for (const [index, zone] of ['a', 'b', 'c'].entries()) {
    const share = (counts.get(`us-west1/us-west1-${zone}`) ?? 0) / 1000;
    expect(Math.abs(share - Number(said?.[index + 1]))).toBeLessThan(0.5);
  }
});
