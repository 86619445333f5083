/** An application of Next.js beneath `outrigger/register`; scripts/interop-sdks.mjs has built it. */
import assert from 'node:assert/strict';
import { start } from '../support/application.mjs';
import { balancedFleet } from '../support/balanced-fleet.mjs';
import { registered } from '../support/registered.mjs';
import { test } from '../support/suite.mjs';

const startNext = ({ env, config }) =>
  start(
    [
      'apps/next/node_modules/next/dist/bin/next',
      'start',
      'apps/next',
      '-H',
      '127.0.0.1',
      '-p',
      '0',
    ],
    {
      listening: /Local: +http:\/\/127\.0\.0\.1:(\d+)[^]*Ready/,
      env: { ...env, NEXT_TELEMETRY_DISABLED: '1' },
      config,
      byOptions: true,
    },
  );

/** Never asked for before: Next keeps what it has fetched on the disk. */
let last = Date.now();
const newOrder = () => `/orders/${process.pid}-${(last += 1)}`;

registered('Next.js', {
  start: startNext,
  asks: [
    { title: 'a route handler', path: (number) => `/api/orders/${number}` },
    {
      title: 'a PUT of a Request',
      path: (number) => `/api/orders/${number}`,
      init: { method: 'PUT', body: '{"count":2}' },
    },
    { title: 'a handler of the pages router', path: (number) => `/api/old/${number}` },
    { title: 'a page', path: newOrder },
  ],
  also(begin) {
    for (const isRegistered of [false, true]) {
      const how = isRegistered ? 'with outrigger/register' : 'as it is';
      test(`${how}, Next keeps what a page has fetched`, async () => {
        const fleet = await balancedFleet('503');
        // The balancer's first answer is the failing one's.
        await fetch(`${fleet.url}/orders/first`);
        const app = await begin(fleet, isRegistered);
        const order = newOrder();
        const pages = [];
        for (let time = 0; time < 3; time += 1) {
          const answer = await fetch(`${app.url}${order}`);
          pages.push(/served: \d+/.exec(await answer.text())?.[0]);
        }
        assert.deepEqual(pages, ['served: 1', 'served: 1', 'served: 1']);
      });
    }
  },
});
