/** How long a body is kept: while another attempt may want it, and no longer. */
import { expect, test } from 'vitest';
import type { Sender } from '../../src/cluster/endpoint.js';
import { sendFrom } from '../../src/cluster/send-from.js';
import type { Attempt } from '../../src/core/attempt.js';
import * as drive from '../../src/core/drive.js';
import type { AttemptLayer, CallLayer, Verdict } from '../../src/core/layer.js';
import { KeptBody } from '../../src/core/kept-body.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import {
  ANSWERED,
  callOn,
  chainOver,
  NO_POLICY,
  Recorder,
  retryPolicy,
  ScriptedUpstream,
  type Script,
} from '../core/scripted-upstream.js';

const FAILING: Script = { ...ANSWERED, head: 10, fails: 'reset' };
const SLOW: Script = { ...ANSWERED, head: 20, chunks: [20] };
const again: Verdict = { kind: 'another', after: 10, reason: 'test' };

/** The script runs as ever; beside it the body is read to its end, as undici would. */
class ReadingUpstream extends ScriptedUpstream {
  readonly read: string[] = [];

  override send(attempt: Attempt): void {
    const reading = {
      send: (ready: Attempt) => {
        void this.#readBody(ready);
        super.send(ready);
      },
    };
    sendFrom(attempt.call.body as KeptBody, attempt, reading as unknown as Sender);
  }

  async #readBody({ body }: Attempt): Promise<void> {
    let text = '';
    for await (const piece of body?.content as AsyncIterable<Uint8Array>) {
      text += Buffer.from(piece).toString();
    }
    this.read.push(text);
  }
}

function setUp(
  scripts: readonly Script[],
  layer: CallLayer,
  policy = NO_POLICY,
  attemptLayers: AttemptLayer[] = [],
) {
  const runtime = virtualRuntime();
  const upstream = new ReadingUpstream(runtime, scripts);
  const pieces = ['one ', 'two'];
  const reader = {
    length: undefined,
    cancelled: 0,
    read: () => {
      const value = pieces.shift();
      return Promise.resolve({ done: value === undefined, value });
    },
    cancel: () => void (reader.cancelled += 1),
  };
  const body = new KeptBody(reader);
  const recorder = new Recorder();
  const call = callOn(
    chainOver(upstream, [layer], attemptLayers, undefined, policy),
    recorder,
    body,
  );
  body.keep(100, () => {});
  return { runtime, upstream, body, reader, recorder, call };
}

const ONE_RETRY = { ...NO_POLICY, retry: retryPolicy({ attempts: 1 }) };

const always: CallLayer = {
  name: 'always',
  judge: (_, event) => (event.type === 'failed' ? again : undefined),
};

test('a body is kept for the next attempt, and given up when a head is accepted', async () => {
  const { runtime, upstream, body, recorder, call } = setUp([FAILING, SLOW], always);
  drive.start(call);
  await runtime.advance(15);
  expect(body).toMatchObject({ keptBytes: 7, complete: true });
  await runtime.advance(20);
  expect(upstream.read).toEqual(['one two', 'one two']);
  expect(body.keptBytes).toBe(7);
  await runtime.advance(10);
  expect([recorder.events, body.keptBytes]).toEqual([['head 200'], 0]);
  await runtime.advance(30);
  expect(recorder.events).toEqual(['head 200', 'data', 'end']);
});

test('the last attempt that can be made has the whole body, and leaves nothing of it', async () => {
  const once: CallLayer = {
    name: 'once',
    judge(call, event) {
      if (event.type !== 'failed' || call.retriesLeft === 0) return undefined;
      call.retriesLeft -= 1;
      return again;
    },
  };
  const { runtime, upstream, body, recorder, call } = setUp([FAILING, SLOW], once, ONE_RETRY);
  drive.start(call);
  await runtime.advance(15);
  expect(body.keptBytes).toBe(7);
  await runtime.advance(10);
  expect(upstream.read).toEqual(['one two', 'one two']);
  expect([recorder.events, body.keptBytes]).toEqual([[], 0]);
});

test.each(['is planned', 'waits in a layer'])(
  'while another attempt %s, none is the last one',
  async (how) => {
    let waits = 30;
    const hedging: CallLayer = {
      name: 'hedging',
      start(call) {
        call.wakeAt(call.startedAt + 5);
        call.wakeAt(call.startedAt + 10);
        return undefined;
      },
      judge(call, event) {
        if (event.type !== 'woken') return undefined;
        call.retriesLeft -= 1;
        const after = how === 'is planned' ? waits : 0;
        if (how === 'is planned') waits = 0;
        return { ...again, after };
      },
    };
    const holding: AttemptLayer = {
      name: 'holding',
      start({ call, number }) {
        if (how === 'is planned' || number !== 2) return undefined;
        return new Promise((resolve) => {
          call.chain.runtime.setTimer(() => resolve(undefined), waits);
        });
      },
    };
    const slow = { ...SLOW, head: 100 };
    const policy = { ...NO_POLICY, retry: retryPolicy({ attempts: 2 }) };
    const { runtime, upstream, body, call } = setUp([slow], hedging, policy, [holding]);
    drive.start(call);
    await runtime.advance(20);
    expect(upstream.read).toHaveLength(2);
    expect(body.keptBytes).toBe(7);
    await runtime.advance(50);
    expect(upstream.read).toEqual(['one two', 'one two', 'one two']);
    expect(body.keptBytes).toBe(0);
  },
);

test('a source that fails between two attempts fails the call, and nothing is sent', async () => {
  const { runtime, upstream, body, recorder, call } = setUp([FAILING, SLOW], always);
  drive.start(call);
  await runtime.advance(12);
  const boom = new Error('boom');
  Object.defineProperties(body, { replayable: { value: false }, error: { value: boom } });
  await runtime.advance(100);
  expect(recorder.failure).toMatchObject({ kind: 'invalid', cause: boom });
  expect(upstream.exchanges).toHaveLength(1);
});
