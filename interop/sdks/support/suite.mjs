/** The questions that every SDK is asked: the platform's answers are the oracle. */
import assert from 'node:assert/strict';
import { describe, test as nodeTest } from 'node:test';
import { describeError } from './describe-error.mjs';
import { fleetOf } from './fleet.mjs';
import { json, listen, nobody } from './loopback.mjs';
import { scriptedStream } from './scripted-stream.mjs';
import { atTheEnd, closeAll, counted, idle, throughOutrigger, throughPlatform } from './ways.mjs';

const CALLS_TO_A_FLEET = 4;
const AT_MOST = { timeout: 15_000 };
/** What sockets of the loopback can hold, and some more. */
const ENOUGH_TO_STALL = 64 * 1024 * 1024;

/**
 * - `over`: 'fetch', or a version of undici: `via` is a fetch or a dispatcher in all functions below.
 * - `calls`: `{ title, answer, run(via, url), repeats }`; `repeats` are the troubles of a first endpoint that must not be
 *   noticed: 'refused', '503'.
 * - `streams`: `{ title, type, events, open(via, url), pulls }`; `open` gives `{ next(), stop() }`; `pulls: false` where the SDK
 *   reads ahead without end.
 * - `failing(via, url)`: a GET, for what becomes of errors. `impatient(via, url)`: the same with a time limit of the SDK's own
 *   that is over soon. `timesOutAs`: the class of the error that it makes of a timeout of Outrigger's. `tells(error)`: what of an error is to
 *   be the same, if not all of it.
 */
export function suite(name, { over = 'fetch', calls, streams = [], failing, ...rest }) {
  describe(name, () => {
    for (const call of [...calls, ...streams.map(wholeStream)]) {
      test(`${call.title}: as with the platform`, () => compareCall(over, call));
      for (const trouble of call.repeats) {
        const title = `${call.title}: nobody notices an endpoint that ${TROUBLES[trouble]}`;
        test(title, () => callFleet(over, call, trouble));
      }
    }
    for (const stream of streams) {
      test(`${stream.title}: arrives piece by piece`, () =>
        compare(over, (way) => inPieces(way, stream)));
      test(`${stream.title}: leaving it reaches the server`, () =>
        compare(over, (way) => leave(way, stream)));
      if (stream.pulls === false) continue;
      test(`${stream.title}: who does not read holds the server back`, () =>
        compare(over, (way) => stall(way, stream)));
    }
    if (failing !== undefined) errors(over, failing, rest);
  });
}

/** A test that leaves nothing open, however it ends. */
export function test(title, body) {
  nodeTest(title, AT_MOST, async () => {
    try {
      await body();
    } finally {
      await closeAll();
    }
  });
}

const TROUBLES = { refused: 'refuses connections', 503: 'answers 503' };

/** None of this may be seen from outside while all goes well. */
const OPTIONS = {
  'by default': {},
  'with every layer': {
    envoyHeaders: false,
    timeout: { response: '10s', idle: '10s', total: '20s' },
    retry: { perTryTimeout: '2s', perTryIdleTimeout: '5s' },
    hedge: { delay: '5s' },
    circuitBreaker: {},
    outlierDetection: {},
    rateLimitHold: {},
    loadBalancer: 'peak-ewma',
  },
  'through middleware': { middleware: [(request, next) => next(request)] },
};

async function compare(over, scenario) {
  const expected = await scenario(throughPlatform(over));
  const ours = throughOutrigger(over);
  assert.deepEqual(await scenario(ours), expected);
  await idle(ours.client);
}

async function open(answer) {
  const server = await listen(answer);
  atTheEnd(server.close);
  return server;
}

/** Result or error, with what the server saw. */
async function observe({ via }, server, run, tells = (error) => error) {
  server.seen.length = 0;
  const outcome = await run(via, server.url).then(
    (value) => ({ value }),
    (error) => ({ error: describeError(tells(error)) }),
  );
  return { ...outcome, seen: [...server.seen] };
}

async function compareCall(over, { answer, run }) {
  const server = await open(answer);
  const expected = await observe(throughPlatform(over), server, run);
  assert.equal(expected.error, undefined);
  assert.notEqual(expected.seen.length, 0);
  for (const [how, options] of Object.entries(OPTIONS)) {
    const ours = throughOutrigger(over, options);
    assert.deepEqual(await observe(ours, server, run), expected, how);
  }
}

async function callFleet(over, { answer, run }, trouble) {
  const server = await open(answer);
  const { value, seen } = await observe(throughPlatform(over), server, run);
  server.seen.length = 0;

  const fleet = await fleetOf(trouble, server);
  const { via, client, explained } = throughOutrigger(over, fleet.options);
  for (let call = 0; call < CALLS_TO_A_FLEET; call += 1) {
    assert.deepEqual(await run(via, fleet.url), value);
  }
  assert.equal(server.seen.length, CALLS_TO_A_FLEET * seen.length);
  assert.notEqual(counted(client, 'upstream_rq_retry'), 0);
  assert.equal(counted(client, 'upstream_rq_retry'), counted(client, 'upstream_rq_retry_success'));
  if (over !== 'fetch') return;
  // SDKs fetch more than what is asked of them: openai a `data:` URL.
  const repeated = explained.map((ask) => ask()).filter((told) => told?.attempts.length === 2);
  assert.notEqual(repeated.length, 0);
  for (const { attempts } of repeated) {
    assert.deepEqual(
      attempts.map(({ endpoint, status }) => [endpoint, status]),
      [
        [fleet.troubled, trouble === '503' ? 503 : undefined],
        [server.url, attempts[1].status],
      ],
    );
  }
}

/** The stream as a call: everything sent at once, everything read. */
function wholeStream({ title, type, events, open: opened, repeats }) {
  return {
    title,
    repeats,
    answer(_request, response) {
      response.writeHead(200, { 'content-type': type });
      response.end(events.join(''));
    },
    async run(via, url) {
      const { next, stop } = await opened(via, url);
      const values = [];
      for (const _ of events) values.push(await next());
      await stop();
      return values;
    },
  };
}

async function inPieces({ via }, { type, events, open: opened }) {
  const script = scriptedStream(type);
  const server = await open(script.answer);
  const stream = await opened(via, server.url);
  const values = [];
  for (const event of events) {
    await script.push(event);
    // The next event is not written before this one has arrived.
    values.push(await stream.next());
  }
  await script.end();
  await stream.stop();
  return values;
}

async function leave({ via }, { type, events, open: opened }) {
  const script = scriptedStream(type);
  const server = await open(script.answer);
  const stream = await opened(via, server.url);
  await script.push(events[0]);
  await stream.next();
  const waiting = Promise.resolve(stream.next()).then(
    (value) => ({ value }),
    (error) => ({ error: describeError(error) }),
  );
  await stream.stop();
  await server.gone();
  return stream.endsItself === false ? undefined : waiting;
}

async function stall({ via }, { type, events, open: opened }) {
  const script = scriptedStream(type);
  const server = await open(script.answer);
  const stream = await opened(via, server.url);
  await script.push(events[0]);
  await stream.next();
  const sent = await script.flood(events[1], ENOUGH_TO_STALL);
  assert.ok(sent < ENOUGH_TO_STALL, `${sent} bytes were taken although nobody read them`);
  await stream.stop();
  await server.gone();
}

/** In the shapes that SDKs look for. */
const failure = (message) => ({ message, error: { message, type: 'api_error' } });

/** Ends of a first and only endpoint, by what its caller sees. */
const ENDS = {
  'answers 500': (_request, response) => json(response, failure('out of order'), { status: 500 }),
  'answers 404': (_request, response) => json(response, failure('no such thing'), { status: 404 }),
  'closes before the head': (request) => request.socket.destroy(),
  'closes in the body'(_request, response) {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
    response.write('{"a":', () => response.destroy());
  },
};

function errors(over, failing, { impatient, timesOutAs, tells }) {
  const both = async (server, run) => {
    const asTold = async (way) => {
      const { value, error } = await observe(way, server, run, tells);
      return { value, error };
    };
    const expected = await asTold(throughPlatform(over));
    const ours = await asTold(throughOutrigger(over));
    assert.deepEqual(ours, expected);
    return expected;
  };
  for (const [end, answer] of Object.entries(ENDS)) {
    test(`errors: a server that ${end}`, async () => both(await open(answer), failing));
  }
  test('errors: a server that is not there', async () => {
    const { error } = await both({ url: await nobody(), seen: [] }, failing);
    assert.ok(error);
  });
  if (impatient !== undefined) {
    test('errors: a time limit of the SDK', async () => {
      const server = await open(() => {});
      await both(server, impatient);
      await server.gone();
    });
  }
  test('errors: a timeout of Outrigger', async () => {
    const server = await open(() => {});
    const ours = throughOutrigger(over, { timeout: '250ms' });
    const { error } = await observe(ours, server, failing);
    assert.equal(error?.class, timesOutAs, JSON.stringify(error));
    await server.gone();
  });
}
