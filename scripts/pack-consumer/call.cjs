/** An application in CommonJS that makes one call with the installed package. */
const { createServer } = require('node:http');
const { createResilientClient } = require('outrigger');
const testing = require('outrigger/testing');

const server = createServer((_, response) => response.end('{"answer":42}'));
server.listen(0, '127.0.0.1', async () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  const client = createResilientClient({ service: 'http://backend', endpoints: [{ url }] });
  const response = await client.fetch('/orders');
  if (!(response instanceof Response)) throw new Error('The answer is no Response.');
  const { answer } = await response.json();
  await client.close();
  server.close();
  console.log(answer, Object.keys(testing).length > 0);
});
