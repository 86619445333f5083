import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test, vi } from 'vitest';
import { BodySource, type RequestBody } from '../../src/core/body.js';
import * as drive from '../../src/core/drive.js';
import { failure } from '../../src/core/failure.js';
import type { AttemptLayer, CallLayer, Verdict } from '../../src/core/layer.js';
import { LocalReply } from '../../src/core/reply.js';
import { virtualRuntime } from '../../src/testing/virtual-runtime.js';
import {
  ANSWERED,
  callOn,
  chainOver,
  Recorder,
  ScriptedUpstream,
  type Script,
} from './scripted-upstream.js';

const REFUSED: Script = { ...ANSWERED, refused: true };
const another = (after = 0): Verdict => ({ kind: 'another', after, reason: 'test' });

function retrying(times: number, after = 0): CallLayer {
  return {
    name: 'retrying',
    judge: (call) => (call.attempts.length <= times ? another(after) : undefined),
  };
}

function setUp(
  scripts: ConstructorParameters<typeof ScriptedUpstream>[1],
  callLayers: CallLayer[] = [],
  attemptLayers: AttemptLayer[] = [],
  body: RequestBody | null = null,
) {
  const runtime = virtualRuntime();
  const upstream = new ScriptedUpstream(runtime, scripts);
  const recorder = new Recorder();
  const call = callOn(chainOver(upstream, callLayers, attemptLayers), recorder, body);
  return { runtime, upstream, recorder, call };
}

test('an answer passes through in order, and the layers see its life', async () => {
  const seen: string[] = [];
  const log = (what: string) => () => {
    seen.push(what);
    return undefined;
  };
  const { runtime, recorder, call, upstream } = setUp(
    [ANSWERED],
    [
      { name: 'outer', start: log('outer start'), end: log('outer end') },
      { name: 'inner', start: log('inner start'), end: log('inner end') },
    ],
    [
      {
        name: 'a',
        start: log('a start'),
        connected: log('a connected'),
        head: log('a head'),
        end: log('a end'),
      },
      { name: 'b', start: log('b start'), end: log('b end') },
    ],
  );
  drive.start(call);
  await runtime.advance(10);
  expect(recorder.events).toEqual(['head 200', 'data', 'end']);
  expect(seen).toEqual([
    'outer start',
    'inner start',
    'a start',
    'b start',
    'a connected',
    'a head',
    'b end',
    'a end',
    'inner end',
    'outer end',
  ]);
  expect(upstream.endpoint.active).toBe(0);
  expect(upstream.callsEnded).toBe(1);
});

test('without a layer that judges, the first failure is the call’s', async () => {
  const { runtime, recorder, call } = setUp([REFUSED, ANSWERED]);
  drive.start(call);
  await runtime.advance(10);
  expect(recorder.events).toEqual(['fail connect-failure']);
  expect(call.attempts).toHaveLength(1);
});

test('a verdict of another attempt starts one, at once or after the delay', async () => {
  const { runtime, recorder, call } = setUp([REFUSED, REFUSED, ANSWERED], [retrying(2, 50)]);
  drive.start(call);
  await runtime.advance(1);
  expect(call.attempts).toHaveLength(1);
  await runtime.advance(49);
  expect(call.attempts).toHaveLength(1);
  await runtime.advance(1);
  expect(call.attempts).toHaveLength(2);
  await runtime.advance(100);
  expect(recorder.events).toEqual(['head 200', 'data', 'end']);
  expect(call.attempts.map((attempt) => attempt.startedAt - call.startedAt)).toEqual([0, 51, 102]);
});

test('a dropped head is read on, and what is behind it is not the caller’s', async () => {
  const failing = { ...ANSWERED, status: 503 };
  const { runtime, recorder, call, upstream } = setUp([failing, ANSWERED], [retrying(1)]);
  drive.start(call);
  await runtime.advance(20);
  expect(recorder.events).toEqual(['head 200', 'data', 'end']);
  expect(upstream.exchanges.map(({ cancelled }) => cancelled)).toEqual([0, 0]);
  expect(call.attempts[0]?.verdict).toEqual(another());
});

test('a dropped answer that does not end is cut off when the call ends', async () => {
  const endless = { ...ANSWERED, status: 503, chunks: [1000] };
  const { runtime, recorder, call, upstream } = setUp([endless, ANSWERED], [retrying(1)]);
  drive.start(call);
  await runtime.advance(20);
  expect(recorder.events).toEqual(['head 200', 'data', 'end']);
  expect(upstream.exchanges.map(({ cancelled }) => cancelled)).toEqual([1, 0]);
  expect(upstream.endpoint.active).toBe(0);
});

test('a dropped answer that is large is cut off, not read to its end', async () => {
  const large = { ...ANSWERED, status: 503, chunks: Array<number>(1000).fill(0.001) };
  const slow = { ...ANSWERED, connect: 5000 };
  const { runtime, upstream, call } = setUp([large, slow], [retrying(1)]);
  drive.start(call);
  await runtime.advance(100);
  expect(upstream.exchanges[0]?.cancelled).toBe(1);
  expect(call.attempts[0]?.drained).toBeGreaterThan(64 * 1024);
  expect(call.attempts[0]?.drained).toBeLessThan(66 * 1024);
});

test('a hedge: woken, a second attempt races the first, and the loser is cancelled', async () => {
  const hedge: CallLayer = {
    name: 'hedge',
    start(call) {
      call.wakeAt(call.startedAt + 100);
      return undefined;
    },
    judge: (_, event) => (event.type === 'woken' ? another() : undefined),
  };
  const slow = { ...ANSWERED, head: 5000 };
  const { runtime, recorder, call, upstream } = setUp([slow, ANSWERED], [hedge]);
  drive.start(call);
  await runtime.advance(99);
  expect(call.attempts).toHaveLength(1);
  await runtime.advance(10);
  expect(recorder.events).toEqual(['head 200', 'data', 'end']);
  expect(upstream.exchanges.map(({ cancelled }) => cancelled)).toEqual([1, 0]);
  expect(call.attempts[0]?.failure?.kind).toBe('superseded');
  expect(runtime.pendingTimers).toBe(0);
});

test('one of two running attempts fails: the other still answers', async () => {
  const hedge: CallLayer = {
    name: 'hedge',
    start(call) {
      call.wakeAt(call.startedAt + 10);
      return undefined;
    },
    judge: (_, event) => (event.type === 'woken' ? another() : undefined),
  };
  const failing: Script = { ...ANSWERED, head: 20, fails: 'reset' };
  const slower = { ...ANSWERED, head: 50 };
  const { runtime, recorder, call } = setUp([failing, slower], [hedge]);
  drive.start(call);
  await runtime.advance(200);
  expect(recorder.events).toEqual(['head 200', 'data', 'end']);
});

test('a body that can be sent once is not sent a second time', async () => {
  class Spent extends BodySource {
    readonly replayable = false;
    readonly complete = false;
    readonly error = undefined;
    closed = 0;
    open(): never {
      throw new Error('it was opened again');
    }
    close(): void {
      this.closed += 1;
    }
  }
  const spent = new Spent();
  const { runtime, recorder, call } = setUp([REFUSED, ANSWERED], [retrying(3)], [], spent);
  drive.start(call);
  await runtime.advance(10);
  expect(recorder.events).toEqual(['fail connect-failure']);
  expect(spent.closed).toBe(1);
  const text = setUp([REFUSED, ANSWERED], [retrying(3)], [], 'text');
  drive.start(text.call);
  await text.runtime.advance(10);
  expect(text.recorder.events).toEqual(['head 200', 'data', 'end']);
});

test('nothing to send to', async () => {
  const { runtime, recorder, call, upstream } = setUp(['no-endpoint']);
  drive.start(call);
  await runtime.advance(1);
  expect(recorder.events).toEqual(['fail no-healthy-endpoint']);
  expect(recorder.failure?.flag).toBe('UH');
  expect(upstream.started_).toHaveLength(0);
});

test('a call layer may answer itself, or refuse, now or later', async () => {
  const reply = new LocalReply(418, 'I am a teapot', [], 'short and stout');
  const answering = setUp([ANSWERED], [{ name: 'teapot', start: () => reply }]);
  drive.start(answering.call);
  expect(answering.recorder.events).toEqual(['head 418', 'data', 'end']);
  expect(answering.upstream.exchanges).toHaveLength(0);

  const refusal = failure('refused', undefined, new Error('no'), false);
  const later = setUp([ANSWERED], [{ name: 'later', start: () => Promise.resolve(refusal) }]);
  drive.start(later.call);
  await later.runtime.advance(1);
  expect(later.recorder.events).toEqual(['fail refused']);
  expect(later.upstream.callsEnded).toBe(1);
});

test('a wait of a layer is ended by the caller’s abort, and what is passed later starts nothing', async () => {
  let go: (() => void) | undefined;
  const waiting: CallLayer = {
    name: 'waiting',
    start: () => new Promise((resolve) => (go = () => resolve(undefined))),
  };
  const { runtime, recorder, call, upstream } = setUp([ANSWERED], [waiting]);
  drive.start(call);
  await runtime.advance(5);
  const reason = new Error('enough');
  drive.abort(call, reason);
  expect(recorder.events).toEqual(['fail aborted']);
  expect(recorder.failure?.cause).toBe(reason);
  go?.();
  await runtime.advance(5);
  expect(upstream.exchanges).toHaveLength(0);
  expect(recorder.events).toEqual(['fail aborted']);
});

test('an attempt layer that was passed while the call ended is still told of the end', async () => {
  const end = vi.fn();
  let go: (() => void) | undefined;
  const slot: AttemptLayer = {
    name: 'slot',
    start: () => new Promise((resolve) => (go = () => resolve(undefined))),
    end,
  };
  const { runtime, call, upstream } = setUp([ANSWERED], [], [slot]);
  drive.start(call);
  await runtime.advance(1);
  drive.abort(call, new Error('enough'));
  expect(end).not.toHaveBeenCalled();
  go?.();
  await runtime.advance(1);
  expect(end).toHaveBeenCalledTimes(1);
  expect(upstream.endpoint.active).toBe(0);
});

test('a refusing attempt layer frees those before it, and is not told of an end itself', async () => {
  const first = vi.fn();
  const second = vi.fn();
  const { runtime, recorder, call } = setUp(
    [ANSWERED],
    [],
    [
      { name: 'first', start: () => undefined, end: first },
      {
        name: 'second',
        start: () => failure('refused', undefined, new Error('full'), false),
        end: second,
      },
    ],
  );
  drive.start(call);
  await runtime.advance(1);
  expect(recorder.events).toEqual(['fail refused']);
  expect(first).toHaveBeenCalledTimes(1);
  expect(second).not.toHaveBeenCalled();
});

test.each(['start', 'connected', 'head'] as const)(
  'a layer that throws in %s ends the call with its error',
  async (hook) => {
    const boom = new Error('boom');
    const layer = {
      name: 'broken',
      [hook]: () => {
        throw boom;
      },
    };
    const { runtime, recorder, call, upstream } = setUp([ANSWERED], [], [layer]);
    drive.start(call);
    await runtime.advance(10);
    expect(recorder.events).toEqual(['fail invalid']);
    expect(recorder.failure?.cause).toBe(boom);
    expect(upstream.endpoint.active).toBe(0);
    expect(runtime.pendingTimers).toBe(0);
  },
);

test('a judge that throws ends the call with its error', async () => {
  const boom = new Error('boom');
  const { runtime, recorder, call } = setUp(
    [REFUSED],
    [
      {
        name: 'broken',
        judge: () => {
          throw boom;
        },
      },
    ],
  );
  drive.start(call);
  await runtime.advance(10);
  expect(recorder.failure?.cause).toBe(boom);
});

test('the outermost verdict wins', async () => {
  const inner = vi.fn(() => another());
  const { runtime, recorder, call } = setUp(
    [{ ...ANSWERED, status: 503 }],
    [
      { name: 'outer', judge: () => ({ kind: 'accept', reason: 'enough' }) },
      { name: 'inner', judge: inner },
    ],
  );
  drive.start(call);
  await runtime.advance(10);
  expect(recorder.events).toEqual(['head 503', 'data', 'end']);
  expect(inner).not.toHaveBeenCalled();
});

test('abort during the body ends it with the caller’s reason', async () => {
  const { runtime, recorder, call, upstream } = setUp([{ ...ANSWERED, chunks: [1, 1000] }]);
  drive.start(call);
  await runtime.advance(10);
  const reason = new Error('enough');
  drive.abort(call, reason);
  drive.abort(call, new Error('again'));
  expect(recorder.events).toEqual(['head 200', 'data', 'fail aborted']);
  expect(recorder.failure?.cause).toBe(reason);
  expect(upstream.exchanges[0]?.cancelled).toBe(1);
  expect(upstream.endpoint.active).toBe(0);
});

test('around makes its context active while the attempt is sent, and must send it', async () => {
  const runtime = virtualRuntime();
  const storage = new AsyncLocalStorage<string>();
  const upstream = new ScriptedUpstream(runtime, [REFUSED, ANSWERED]);
  const seen: (string | undefined)[] = [];
  const send = upstream.send.bind(upstream);
  upstream.send = (attempt) => {
    seen.push(storage.getStore());
    send(attempt);
  };
  const around = (attempt: { number: number }, dispatch: () => void) =>
    storage.run(`${storage.getStore() ?? 'nothing'} ${attempt.number}`, dispatch);
  const recorder = new Recorder();
  const call = storage.run('request', () =>
    callOn(chainOver(upstream, [retrying(1)], [], around), recorder),
  );
  storage.run('request', () => drive.start(call));
  await runtime.advance(10);
  // The second attempt starts from another event, and still in the context of its call.
  expect(seen).toEqual(['request 1', 'request 2']);

  const silent = new Recorder();
  const idle = callOn(
    chainOver(new ScriptedUpstream(runtime, [ANSWERED]), [], [], () => {}),
    silent,
  );
  drive.start(idle);
  expect(silent.failure?.kind).toBe('invalid');
  expect(String(silent.failure?.cause)).toContain('without calling dispatch()');
});

test('an error of a layer’s end is a warning, and the others are still told', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const other = vi.fn();
  const { runtime, recorder, call } = setUp(
    [ANSWERED],
    [],
    [
      { name: 'other', end: other },
      {
        name: 'broken',
        end: () => {
          throw new Error('boom');
        },
      },
    ],
  );
  drive.start(call);
  await runtime.advance(10);
  expect(recorder.events.at(-1)).toBe('end');
  expect(other).toHaveBeenCalledTimes(1);
  expect(warned).toHaveBeenCalledTimes(1);
  warned.mockRestore();
});

test('the caller’s abort ends a back-off at once and gives its timer back', async () => {
  const { runtime, recorder, call } = setUp([REFUSED, ANSWERED], [retrying(1, 1000)]);
  drive.start(call);
  await runtime.advance(10);
  expect(runtime.pendingTimers).toBe(1);
  drive.abort(call, new Error('enough'));
  expect(recorder.events).toEqual(['fail aborted']);
  expect(runtime.pendingTimers).toBe(0);
  await runtime.advance(2000);
  expect(call.attempts).toHaveLength(1);
});

test('an answer takes back the times that layers had asked for', async () => {
  const alarmed: CallLayer = {
    name: 'alarmed',
    start(call) {
      call.wakeAt(call.startedAt + 1000);
      return undefined;
    },
    judge: () => undefined,
  };
  const { runtime, call } = setUp([ANSWERED], [alarmed]);
  drive.start(call);
  await runtime.advance(10);
  expect(runtime.pendingTimers).toBe(0);
});

test('an attempt that is the last word does not end a call for which another is planned', async () => {
  const layer: CallLayer = {
    name: 'layer',
    start(call) {
      call.wakeAt(call.startedAt + 1);
      return undefined;
    },
    judge(_, event) {
      if (event.type === 'woken') return another();
      if (event.type === 'failed' && event.attempt.number === 1) return another(50);
      return event.type === 'failed' ? { kind: 'give-up', reason: 'test' } : undefined;
    },
  };
  const second: Script = { ...ANSWERED, head: 20, fails: 'reset' };
  const { runtime, recorder, call } = setUp(
    [{ ...REFUSED, connect: 5 }, second, ANSWERED],
    [layer],
  );
  drive.start(call);
  await runtime.advance(40);
  expect(recorder.events).toEqual([]);
  await runtime.advance(40);
  expect(recorder.events).toEqual(['head 200', 'data', 'end']);
});

test.each(['head', 'judge'] as const)(
  'a call that is aborted from inside a %s hook ends there',
  async (hook) => {
    const reason = new Error('enough');
    const layers: [CallLayer[], AttemptLayer[]] =
      hook === 'head'
        ? [[], [{ name: 'aborts', head: (attempt) => drive.abort(attempt.call, reason) }]]
        : [
            [
              {
                name: 'aborts',
                judge(call) {
                  drive.abort(call, reason);
                  return another();
                },
              },
            ],
            [],
          ];
    for (const script of [ANSWERED, REFUSED]) {
      if (hook === 'head' && script === REFUSED) continue;
      const { runtime, recorder, call, upstream } = setUp([script, ANSWERED], ...layers);
      drive.start(call);
      await runtime.advance(10);
      expect(recorder.events).toEqual(['fail aborted']);
      expect(upstream.callsEnded).toBe(1);
      expect(upstream.endpoint.active).toBe(0);
      expect(call.rounds).toBeUndefined();
    }
  },
);
