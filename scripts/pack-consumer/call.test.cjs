/** The installed package under jest, which loads CommonJS and is given no flags. */
const { createServer } = require('node:http');
const { createResilientClient } = require('outrigger');
const testing = require('outrigger/testing');

test('a call to a server on the loopback', async () => {
  const server = createServer((_, response) => response.end('{"answer":42}'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  const client = createResilientClient({ service: 'http://backend', endpoints: [{ url }] });
  const response = await client.fetch('/orders');
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ answer: 42 });
  await client.close();
  await new Promise((resolve) => server.close(resolve));
});

test('the entry for tests loads', () => {
  expect(Object.keys(testing).length).toBeGreaterThan(0);
});
