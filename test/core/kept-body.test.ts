import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { KeptBody, NotKeptError, type ChunkReader } from '../../src/core/kept-body.js';
import type { OpenedBody } from '../../src/core/body.js';

/** A source that gives its pieces one by one when it is told to, and minds its manners. */
class Source implements ChunkReader {
  readonly length = undefined;
  reads = 0;
  cancelled = 0;
  #next = 0;
  #over = false;
  #asked: ((result: IteratorResult<unknown>) => void) | undefined;
  #refuse: (error: unknown) => void = () => {};

  constructor(readonly pieces: readonly unknown[]) {}

  get isAsked(): boolean {
    return this.#asked !== undefined;
  }

  read(): Promise<IteratorResult<unknown>> {
    if (this.#over || this.#asked !== undefined || this.cancelled > 0) throw new Error('not now');
    this.reads += 1;
    return new Promise((resolve, reject) => {
      this.#asked = resolve;
      this.#refuse = reject;
    });
  }

  cancel(): void {
    if (this.#over) throw new Error('it was over already');
    this.cancelled += 1;
  }

  async give(): Promise<void> {
    const settle = this.#asked;
    if (settle === undefined) return;
    this.#asked = undefined;
    this.#over = this.#next === this.pieces.length;
    settle(
      this.#over
        ? { done: true, value: undefined }
        : { done: false, value: this.pieces[this.#next++] },
    );
    await turn();
  }

  async fail(error: unknown): Promise<void> {
    this.#asked = undefined;
    this.#over = true;
    this.#refuse(error);
    await turn();
  }
}

/** Reads a view as undici does: in a loop, one piece at a time. */
class Sending {
  received = '';
  state: 'reading' | 'full' | 'finished' | 'failed' = 'reading';
  error: unknown;
  readonly opened: OpenedBody;

  constructor(
    body: KeptBody,
    /** Pieces it takes; then the socket is full. */
    readonly most = Number.POSITIVE_INFINITY,
  ) {
    this.opened = body.open();
    void this.#run();
  }

  async #run(): Promise<void> {
    const pieces = (this.opened.content as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    try {
      for (let taken = 0; taken < this.most; taken++) {
        const result: IteratorResult<Uint8Array, unknown> = await pieces.next();
        if (result.done === true) {
          this.state = 'finished';
          return;
        }
        this.received += Buffer.from(result.value).toString();
      }
      this.state = 'full';
    } catch (error) {
      this.state = 'failed';
      this.error = error;
    }
  }
}

const turn = async (): Promise<void> => {
  for (let tick = 0; tick < 10; tick++) await Promise.resolve();
};

async function giveAll(source: Source): Promise<void> {
  await turn();
  while (source.isAsked) await source.give();
}

function keeping(pieces: readonly unknown[], limit = 1000) {
  const source = new Source(pieces);
  const body = new KeptBody(source);
  const abandoned = vi.fn();
  body.keep(limit, abandoned);
  return { source, body, abandoned };
}

test('each view has the whole body, though the source is read once', async () => {
  const { source, body } = keeping(['one ', Buffer.from('two '), new Uint8Array([51])]);
  const first = new Sending(body);
  await turn();
  await source.give();
  first.opened.end();
  expect(first.state).toBe('reading');
  const second = new Sending(body);
  await giveAll(source);
  expect(second).toMatchObject({ received: 'one two 3', state: 'finished' });
  expect(second.opened.finished).toBe(true);
  expect(body).toMatchObject({ replayable: true, complete: true });
  const third = new Sending(body);
  await turn();
  expect(third).toMatchObject({ received: 'one two 3', state: 'finished' });
  expect(source.reads).toBe(4);
  body.close();
  expect(source.cancelled).toBe(0);
});

test('nothing is read ahead of a view', async () => {
  const { source, body } = keeping(['a', 'b', 'c', 'd']);
  await turn();
  expect(source.reads).toBe(0);
  new Sending(body, 2);
  await giveAll(source);
  expect(source.reads).toBe(2);
});

test('a piece that the view of a dead attempt was waiting for goes to the next view', async () => {
  const { source, body } = keeping(['one ', 'two']);
  const dead = new Sending(body);
  await turn();
  dead.opened.end();
  await turn();
  // It does not take its own end for the end of the body: undici would send that as complete.
  expect(dead).toMatchObject({ state: 'failed', received: '' });
  expect(dead.opened.finished).toBe(false);
  await source.give();
  const next = new Sending(body);
  await giveAll(source);
  expect(next).toMatchObject({ received: 'one two', state: 'finished' });
});

test('a view that is left like a loop is over', async () => {
  const { source, body } = keeping(['one ', 'two']);
  const reading = (async () => {
    for await (const piece of body.open().content as AsyncIterable<Uint8Array>) return piece;
    return undefined;
  })();
  await turn();
  await source.give();
  expect(String(await reading)).toBe('one ');
  body.stopKeeping();
  expect(body.keptBytes).toBe(0);
  expect(source.cancelled).toBe(0);
});

test('a piece whose memory is used again by its maker is kept as it was', async () => {
  const memory = Buffer.from('one');
  const { source, body } = keeping([memory, memory]);
  const first = new Sending(body, 1);
  await turn();
  await source.give();
  memory.write('two');
  first.opened.end();
  const second = new Sending(body);
  await giveAll(source);
  expect(second.received).toBe('onetwo');
});

describe('beyond the bound', () => {
  test('nothing is kept any more, and the view that reads goes on', async () => {
    const { source, body, abandoned } = keeping(['0123456789', 'abcdefghij', 'klm', 'nop'], 15);
    const only = new Sending(body);
    await turn();
    await source.give();
    await source.give();
    expect(body).toMatchObject({ replayable: false, keptBytes: 0 });
    expect(abandoned).toHaveBeenCalledTimes(1);
    await giveAll(source);
    expect(only).toMatchObject({ received: '0123456789abcdefghijklmnop', state: 'finished' });
    expect(body).toMatchObject({ replayable: false, complete: false, keptBytes: 0 });
    expect(abandoned).toHaveBeenCalledTimes(1);
  });

  test('a body that just fits is kept', async () => {
    const { source, body, abandoned } = keeping(['0123456789', 'abcde'], 15);
    new Sending(body);
    await giveAll(source);
    expect(body).toMatchObject({ complete: true, keptBytes: 15 });
    expect(abandoned).not.toHaveBeenCalled();
  });

  test('another view that is behind is cut, with an error of its own', async () => {
    const { source, body } = keeping(['0123456789', 'abcde', 'fghij'], 5);
    const behind = new Sending(body, 1);
    const slow = body.open();
    const ahead = new Sending(body);
    await giveAll(source);
    expect(behind.received).toBe('0123456789');
    expect(ahead.received).toBe('0123456789abcdefghij');
    const rest = (slow.content as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    await expect(rest.next()).rejects.toBeInstanceOf(NotKeptError);
  });
});

describe('without keeping', () => {
  test('a body that nobody has read can be opened again', async () => {
    const source = new Source(['one ', 'two']);
    const body = new KeptBody(source);
    body.open().end();
    expect(body).toMatchObject({ replayable: true, complete: false });
    const second = new Sending(body);
    await turn();
    await source.give();
    expect(body.replayable).toBe(false);
    await giveAll(source);
    expect(second.received).toBe('one two');
    expect(body.keptBytes).toBe(0);
  });

  test('stopKeeping lets go of what no view wants, and the view goes on', async () => {
    const { source, body } = keeping(['one ', 'two ', 'three']);
    const first = new Sending(body, 1);
    await turn();
    await source.give();
    first.opened.end();
    const second = body.open();
    body.stopKeeping();
    expect(body.keptBytes).toBe(4);
    const pieces: string[] = [];
    const all = (async () => {
      for await (const piece of second.content as AsyncIterable<Uint8Array>) {
        pieces.push(Buffer.from(piece).toString());
      }
    })();
    await giveAll(source);
    await all;
    expect(pieces).toEqual(['one ', 'two ', 'three']);
    expect(body).toMatchObject({ replayable: false, keptBytes: 0 });
  });
});

describe('the end', () => {
  test('an error of the source reaches the view after what came before it, and is remembered', async () => {
    const { source, body } = keeping(['one']);
    const boom = new Error('boom');
    const view = new Sending(body);
    await turn();
    await source.give();
    await source.fail(boom);
    expect(view).toMatchObject({ received: 'one', state: 'failed', error: boom });
    expect(body).toMatchObject({ error: boom, replayable: false, complete: false });
    body.close();
    expect(source.cancelled).toBe(0);
  });

  test('an error that is no error at all is one', async () => {
    const { source, body } = keeping([]);
    const view = new Sending(body);
    await turn();
    await source.fail(undefined);
    expect(view.error).toEqual(new Error('the body failed, and did not say why'));
    expect(body.error).toBe(view.error);
  });

  test.each([[7], [null], [{}], [[1]]])('a piece that is %j is refused', async (piece) => {
    const { source, body } = keeping(['one', piece]);
    const view = new Sending(body);
    await giveAll(source);
    expect(view.error).toBeInstanceOf(TypeError);
    expect(String(view.error)).toContain('piece by piece as text or bytes');
    body.close();
    expect(source.cancelled).toBe(1);
  });

  test('a close ends the source and every view, once', async () => {
    const { source, body } = keeping(['one', 'two']);
    const view = new Sending(body);
    await turn();
    body.close();
    body.close();
    await turn();
    expect(view.state).toBe('failed');
    expect(source.cancelled).toBe(1);
    expect(body).toMatchObject({ replayable: false, keptBytes: 0 });
    await source.give();
    expect(body.keptBytes).toBe(0);
  });
});

type Act =
  { readonly do: 'give' | 'die' | 'stop' } | { readonly do: 'open'; readonly takes: number };

const acts = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.constant<Act>({ do: 'give' }) },
    { weight: 2, arbitrary: fc.constant<Act>({ do: 'die' }) },
    { weight: 3, arbitrary: fc.nat(6).map((takes): Act => ({ do: 'open', takes: takes + 1 })) },
    { weight: 1, arbitrary: fc.constant<Act>({ do: 'stop' }) },
  ),
  { maxLength: 40 },
);

test('whatever happens, each view has the body from its first byte, and no more than the bound is kept', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(20), { maxLength: 12 }),
      fc.nat(80),
      fc.boolean(),
      acts,
      fc.boolean(),
      async (sizes, limit, keeps, script, fails) => {
        let letter = 0;
        const pieces = sizes.map((size) =>
          Array.from({ length: size }, () => String.fromCharCode(97 + (letter++ % 26))).join(''),
        );
        const whole = pieces.join('');
        const largest = Math.max(0, ...sizes);
        const source = new Source(pieces);
        const body = new KeptBody(source);
        let abandoned = 0;
        if (keeps) body.keep(limit, () => (abandoned += 1));
        const sendings: Sending[] = [];
        let live: Sending | undefined;
        const check = (): void => {
          expect(body.keptBytes).toBeLessThanOrEqual(limit + largest);
          for (const { received, state } of sendings) {
            expect(whole.startsWith(received)).toBe(true);
            if (state === 'finished') expect(received).toBe(whole);
          }
          // As long as it says so, a further attempt has everything.
          if (body.complete) expect(body.keptBytes).toBe(whole.length);
        };
        for (const act of script) {
          if (act.do === 'give') await source.give();
          else if (act.do === 'stop') body.stopKeeping();
          else if (act.do === 'die') live?.opened.end();
          else if (act.do === 'open' && body.replayable) {
            // One after the other; its reader may stop reading long before it dies.
            live?.opened.end();
            live = new Sending(body, act.takes);
            sendings.push(live);
          }
          await turn();
          check();
        }
        if (body.replayable) {
          live?.opened.end();
          const last = new Sending(body);
          sendings.push(last);
          await turn();
          if (fails && source.isAsked) {
            await source.fail(new Error('boom'));
            expect(last.state).toBe('failed');
            body.close();
            expect(source.cancelled).toBe(0);
            return;
          }
          await giveAll(source);
          check();
          expect(last).toMatchObject({ received: whole, state: 'finished' });
          body.close();
          expect(source.cancelled).toBe(0);
        } else {
          body.close();
          body.close();
          await turn();
          expect(source.cancelled).toBeLessThanOrEqual(1);
          for (const { state } of sendings) expect(state).not.toBe('reading');
        }
        expect(body.keptBytes).toBe(0);
        expect(abandoned).toBeLessThanOrEqual(1);
        if (abandoned === 1) expect(whole.length).toBeGreaterThan(limit);
      },
    ),
    { numRuns: 500 },
  );
});
