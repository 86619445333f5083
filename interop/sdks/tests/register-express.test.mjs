/** An Express application beneath `outrigger/register`. */
import { start } from '../support/application.mjs';
import { registered } from '../support/registered.mjs';

const order = (number) => `/orders/${number}`;

registered('Express', {
  start: ({ env, config }) =>
    start(['apps/express/server.mjs'], {
      listening: /listening on (\d+)/,
      env: { ...env, PORT: '0' },
      config,
    }),
  asks: [
    { title: 'a GET', path: order },
    {
      title: 'a PUT',
      path: order,
      init: {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: '{"count":2}',
      },
    },
    { title: 'a stream', path: () => '/chart' },
  ],
});
