/** The lab's side of the fleet process: starts it, asks it, notices its death, stops it. */
import { type ChildProcess, fork } from 'node:child_process';
import type { Behaviour, FakeServiceOptions } from './fake-service/options.js';
import type { Backend, FleetReply, FleetVerb, FleetVerbs } from './fleet-messages.js';

/** The fleet process could not be started, or ended before it was told to. */
export class FleetError extends Error {
  override readonly name = 'FleetError';
}

/** Milliseconds that the process may take to start, and to end when it is told to. */
const START_LIMIT = 10_000;
const STOP_LIMIT = 2_000;
/** How much of what the process writes to standard error is kept for a report. */
const COMPLAINT_LIMIT = 2_000;

export class Fleet {
  private readonly lostController = new AbortController();
  private readonly waiting = new Map<
    number,
    { resolve: (value: never) => void; reject: (error: Error) => void }
  >();
  private readonly exited: Promise<void>;
  private complaint = '';
  private lastId = 0;
  private ended = false;

  private constructor(private readonly child: ChildProcess) {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.complaint = (this.complaint + text).slice(-COMPLAINT_LIMIT);
    });
    child.on('message', (reply: FleetReply) => this.hear(reply));
    child.on('error', (error) => this.lose(error.message));
    // Not the process's own 'close', which does not come when this side has closed the channel.
    const exit = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) =>
        resolve(signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`),
      );
    });
    const silence = new Promise<void>((resolve) => child.stderr?.once('close', resolve));
    const neverBegan = child.pid === undefined;
    this.exited = neverBegan
      ? Promise.resolve()
      : Promise.all([exit, silence]).then(([how]) => this.lose(how));
  }

  /**
   * Starts the process.
   * @param entry the compiled `fleet-process`.
   * @throws {FleetError} when it does not start.
   */
  static async start(entry: URL): Promise<Fleet> {
    const child = fork(entry, [], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [],
    });
    const fleet = new Fleet(child);
    const limit = setTimeout(() => fleet.lose('it did not start in time'), START_LIMIT);
    try {
      await new Promise<void>((resolve, reject) => {
        child.once('message', () => resolve());
        fleet.lost.addEventListener('abort', () => reject(fleet.lost.reason as Error));
      });
    } catch (error) {
      await fleet.stop();
      throw error;
    } finally {
      clearTimeout(limit);
    }
    return fleet;
  }

  /** Aborted, with a `FleetError`, when the process ends without having been told to. */
  get lost(): AbortSignal {
    return this.lostController.signal;
  }

  /** Starts backends beside those that run; answers where they are, in the order given. */
  startBackends(backends: readonly FakeServiceOptions[]): Promise<readonly Backend[]> {
    return this.ask('start', backends);
  }

  /** The backend of that name behaves differently from its next request on; what is not mentioned stays as it is. */
  change(name: string, behaviour: Behaviour): Promise<null> {
    return this.ask('change', { name, behaviour });
  }

  /** Stops the backend of that name: connections to it are refused from now on. Its requests stay counted. */
  halt(name: string): Promise<null> {
    return this.ask('halt', { name });
  }

  /** How many requests each backend has received, in the order of their starts. */
  received(): Promise<readonly number[]> {
    return this.ask('received', null);
  }

  /** How many connections to each backend are open, in the same order. */
  connections(): Promise<readonly number[]> {
    return this.ask('connections', null);
  }

  /** Begins to count anew, at every backend. */
  resetCounts(): Promise<null> {
    return this.ask('resetCounts', null);
  }

  /** Stops all backends; the process stays. */
  clear(): Promise<null> {
    return this.ask('clear', null);
  }

  /** Ends the process and waits until it has ended. May be called twice. */
  async stop(): Promise<void> {
    this.ended = true;
    if (this.child.connected) this.child.disconnect();
    const limit = setTimeout(() => this.child.kill('SIGKILL'), STOP_LIMIT);
    await this.exited;
    clearTimeout(limit);
    this.rejectAll(new FleetError('the fleet was stopped'));
  }

  private ask<V extends FleetVerb>(
    verb: V,
    argument: FleetVerbs[V]['takes'],
  ): Promise<FleetVerbs[V]['gives']> {
    if (this.lost.aborted) return Promise.reject(this.lost.reason as Error);
    if (this.ended) return Promise.reject(new FleetError('the fleet was stopped'));
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      // A failed write is followed by the end of the process, which rejects whatever waits.
      this.child.send({ id, verb, argument }, () => undefined);
    });
  }

  private hear(reply: FleetReply): void {
    if (!('id' in reply)) return;
    const asker = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if ('error' in reply) asker?.reject(new FleetError(`the fleet: ${reply.error}`));
    else asker?.resolve(reply.value as never);
  }

  private lose(how: string): void {
    if (this.ended || this.lost.aborted) return;
    const complaint = this.complaint.trim();
    const error = new FleetError(
      `the fleet process failed: ${how}${complaint === '' ? '' : `\n${complaint}`}`,
    );
    this.lostController.abort(error);
    this.rejectAll(error);
  }

  private rejectAll(error: Error): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
