/** How streams of HTTP/2 end, frame by frame: what was processed, what was cut, what may be sent again. */
import { describe, expect, test } from 'vitest';
import { http2Client, serveHttp2 } from '../support/http2.js';
import {
  answerOn,
  dataFrame,
  goawayFrame,
  headFrame,
  resetFrame,
  serveFrames,
  settingsFrame,
  TYPES,
  withHeads,
} from '../support/http2-frames.js';
import { callsAtOnce, expectNothingHeld, outcomeOf, stat } from '../support/pool.js';

const [NO_ERROR, INTERNAL_ERROR, REFUSED, CANCEL, CALM] = [0, 2, 7, 8, 11];
const POST = { method: 'POST', body: 'order' };

describe('a stream is reset before its head', () => {
  test('refused: nothing was processed, so that a POST is sent again', async () => {
    const { client, heads } = await withHeads((stream, socket, number) => {
      if (number < 3) socket.write(resetFrame(stream, REFUSED));
      else answerOn(socket, stream);
    });
    const response = await client.fetch('/', POST);
    expect(await response.text()).toBe('ok');
    expect(heads()).toBe(3);
    expect(client.explain(response)?.attempts).toMatchObject([
      { outcome: 'refused-stream', flag: 'UR' },
      { outcome: 'refused-stream', flag: 'UR' },
      { status: 200 },
    ]);
    // As in Envoy, which counts resets of other kinds.
    expect(stat(client, 'upstream_rq_rx_reset')).toBe(0);
    expect(stat(client, 'upstream_cx_http2_total')).toBe(1);
    await expectNothingHeld(client);
  });

  test.each([NO_ERROR, INTERNAL_ERROR, CANCEL, CALM])('with the code %i', async (code) => {
    const { client, heads } = await withHeads((stream, socket) =>
      socket.write(resetFrame(stream, code)),
    );
    await expect(client.fetch('/', POST)).rejects.toMatchObject({
      message: 'fetch failed',
      flag: 'UR',
      attempts: [{ outcome: 'reset', flag: 'UR' }],
    });
    expect(heads()).toBe(1);
    expect(stat(client, 'upstream_rq_rx_reset')).toBe(1);
    await expect(client.fetch('/')).rejects.toMatchObject({
      attempts: [{ outcome: 'reset' }, { outcome: 'reset' }, { outcome: 'reset' }],
    });
    expect(stat(client, 'upstream_cx_total')).toBe(1);
    await expectNothingHeld(client);
  });
});

describe('a stream is cut in its body', () => {
  const cut = async (after: (stream: number) => Buffer, length?: number) => {
    const { client } = await withHeads((stream, socket) =>
      socket.write(
        Buffer.concat([headFrame(stream, length), dataFrame(stream, 'abc'), after(stream)]),
      ),
    );
    const response = await client.fetch('/');
    expect(response.status).toBe(200);
    const text = await response.text().catch((error: unknown) => error);
    await expectNothingHeld(client);
    return { text, client };
  };

  test.each([NO_ERROR, INTERNAL_ERROR, REFUSED, CANCEL, CALM])('reset with %i', async (code) => {
    const { text, client } = await cut((stream) => resetFrame(stream, code), 10);
    expect(text).toMatchObject({ message: 'terminated', attempts: [{ outcome: 'body-cut' }] });
    expect(stat(client, 'upstream_cx_active')).toBe(1);
  });

  test.each([INTERNAL_ERROR, CANCEL])('without a length: reset with %i', async (code) => {
    const { text } = await cut((stream) => resetFrame(stream, code));
    expect(text).toMatchObject({ message: 'terminated' });
  });

  test('without a length, a reset without an error is an end, as far as can be seen', async () => {
    expect(await cut((stream) => resetFrame(stream, NO_ERROR))).toMatchObject({ text: 'abc' });
  });

  test('its body is shorter than announced', async () => {
    const { text } = await cut((stream) => dataFrame(stream, '', true), 10);
    expect(text).toMatchObject({ message: 'terminated' });
  });

  test('its body is longer than announced', async () => {
    const { text } = await cut((stream) => dataFrame(stream, 'def', true), 4);
    expect(text).toMatchObject({ message: 'terminated' });
  });
});

describe('the server leaves', () => {
  test('what it has taken is finished, what it has not is sent elsewhere', async () => {
    const taken: number[] = [];
    const { client, server } = await withHeads((stream, socket, number) => {
      if (number > 4) {
        answerOn(socket, stream);
        return;
      }
      taken.push(stream);
      if (number < 4) return;
      socket.write(goawayFrame(taken[1] as number, NO_ERROR));
      setTimeout(() => {
        for (const one of taken.slice(0, 2)) answerOn(socket, one);
      }, 30);
    });
    expect(await Promise.all(callsAtOnce(client, 4, POST))).toEqual([200, 200, 200, 200]);
    expect(server.counts.accepted).toBe(2);
    expect(server.frames.filter(({ type }) => type === TYPES.headers)).toHaveLength(6);
    expect(stat(client, 'upstream_cx_close_notify')).toBe(1);
    expect(stat(client, 'upstream_rq_retry')).toBe(2);
    expect(stat(client, 'upstream_rq_rx_reset')).toBe(0);
    await expect.poll(() => server.sockets.size).toBe(1);
    await expectNothingHeld(client);
  });

  test('it says so twice; calls that come meanwhile go to another connection', async () => {
    let first: (() => void) | undefined;
    const { client, server } = await withHeads((stream, socket, number) => {
      if (number > 1) {
        answerOn(socket, stream);
        return;
      }
      socket.write(goawayFrame(2 ** 31 - 1, NO_ERROR));
      first = () => {
        socket.write(goawayFrame(stream, NO_ERROR));
        answerOn(socket, stream);
      };
    });
    const slow = outcomeOf(client.fetch('/', POST));
    await expect.poll(() => stat(client, 'upstream_cx_close_notify')).toBe(1);
    expect(await Promise.all(callsAtOnce(client, 3, POST))).toEqual([200, 200, 200]);
    expect(server.counts.accepted).toBe(2);
    first?.();
    expect(await slow).toBe(200);
    expect(stat(client, 'upstream_cx_close_notify')).toBe(1);
    await expect.poll(() => server.sockets.size).toBe(1);
    await expectNothingHeld(client);
  });

  test.each([INTERNAL_ERROR, CALM])('with an error (%i): what it took has failed', async (code) => {
    const { client, server } = await withHeads((stream, socket, number) => {
      if (number === 3) socket.write(goawayFrame(1, code));
      if (number > 3) answerOn(socket, stream);
    });
    const outcomes = await Promise.all(callsAtOnce(client, 3, POST));
    expect(outcomes).toEqual(['TypeError', 200, 200]);
    expect(stat(client, 'upstream_cx_close_notify')).toBe(1);
    expect(server.counts.accepted).toBe(2);
    await expectNothingHeld(client);
  });

  test('idle: the connection is forgotten', async () => {
    const server = await serveHttp2();
    const client = await http2Client([server]);
    await outcomeOf(client.fetch('/'));
    for (const session of server.sessions) session.close();
    await expect.poll(() => client.endpoints()[0]?.connections.open).toBe(0);
    expect(await outcomeOf(client.fetch('/', POST))).toBe(200);
    expect(server.counts.sessions).toBe(2);
  });

  test('with its greeting, each time: that does not go on for ever', async () => {
    const goodbye = Buffer.concat([settingsFrame(), goawayFrame(0, NO_ERROR)]);
    const server = await serveFrames(undefined, goodbye);
    const client = await http2Client([server], {
      retry: { attempts: 1, backoff: { baseInterval: 1 } },
    });
    await expect(client.fetch('/')).rejects.toMatchObject({
      flag: 'UR',
      attempts: [{ outcome: 'refused-stream' }, { outcome: 'refused-stream' }],
    });
    expect(server.counts.accepted).toBe(2);
    await expectNothingHeld(client);
  });
});
