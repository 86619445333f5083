/** An application in ES modules that makes one call with the installed package. */
import { createServer } from 'node:http';
import { createResilientClient } from 'outrigger';
import * as testing from 'outrigger/testing';

const server = createServer((_, response) => response.end('{"answer":42}'));
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const client = createResilientClient({ service: 'http://backend', endpoints: [{ url }] });
const response = await client.fetch('/orders');
if (!(response instanceof Response)) throw new Error('The answer is no Response.');
const { answer } = await response.json();
await client.close();
server.close();
console.log(answer, Object.keys(testing).length > 0);
