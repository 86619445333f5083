/** Endpoint lists out of a file that is watched: an event of its folder, or a look from time to time, leads to reading it. */
import { watch, type FSWatcher } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type {
  Discovery,
  DiscoveryHost,
  EndpointList,
  RunningDiscovery,
} from '../options/discovery.js';
import { codeOf } from './error-code.js';
import { parseFile, type ParseEndpoints } from './parse-file.js';

/** What makes a file discovery, times in milliseconds. */
export interface FilePolicy {
  /** As the user wrote it, for messages. */
  readonly given: string;
  /** Absolute. */
  readonly path: string;
  readonly poll: number;
  readonly parse: ParseEndpoints | undefined;
}

/** Milliseconds in which events are gathered: a writer makes several of them. */
const BURST = 30;

export class FileDiscovery implements Discovery {
  readonly name: string;
  readonly #policy: FilePolicy;

  constructor(policy: FilePolicy) {
    this.name = `file ${policy.given}`;
    this.#policy = policy;
  }

  start(host: DiscoveryHost): RunningDiscovery {
    const watched = new WatchedFile(this.#policy, host);
    watched.begin();
    return watched;
  }
}

class WatchedFile implements RunningDiscovery {
  readonly #policy: FilePolicy;
  readonly #host: DiscoveryHost;
  #watcher: FSWatcher | undefined = undefined;
  /** Of the next look from time to time. */
  #poll: unknown = undefined;
  /** Of the look that an event leads to. */
  #burst: unknown = undefined;
  #isStopped = false;
  #isLooking = false;
  /** Something has happened while it looked. */
  #looksAgain = false;
  /** What the file looked like when it was read last; undefined before, and while it is not there. */
  #seen: string | undefined = undefined;
  /** It was not there, which has been said. */
  #isGone = false;
  /** What it looked like when its content was wrong for the first time: somebody may be writing it. */
  #doubted: string | undefined = undefined;
  /** What has been read last, and was right. */
  #text: string | undefined = undefined;

  constructor(policy: FilePolicy, host: DiscoveryHost) {
    this.#policy = policy;
    this.#host = host;
  }

  begin(): void {
    this.#watch();
    this.#look();
    this.#wait();
  }

  stop(): void {
    const { runtime } = this.#host;
    this.#isStopped = true;
    runtime.clearTimer(this.#poll);
    runtime.clearTimer(this.#burst);
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  /** The folder, not the file: a rename puts another file in its place, and a link may lead elsewhere. */
  #watch(): void {
    try {
      const watcher = watch(dirname(this.#policy.path), { persistent: false });
      watcher.on('change', () => this.#stirred());
      // The folder is gone, or the system has no watches left: the looks from time to time remain.
      watcher.on('error', () => this.#unwatch(watcher));
      this.#watcher = watcher;
    } catch {
      this.#watcher = undefined;
    }
  }

  #unwatch(watcher: FSWatcher): void {
    watcher.close();
    if (this.#watcher === watcher) this.#watcher = undefined;
  }

  #wait(): void {
    const { runtime } = this.#host;
    this.#poll = runtime.setTimer(
      () => {
        // Anew each time: of a folder that has been put in the place of another nobody tells.
        this.#watcher?.close();
        this.#watch();
        this.#look();
        this.#wait();
      },
      this.#policy.poll,
      true,
    );
  }

  #stirred(): void {
    if (this.#isStopped || this.#burst !== undefined) return;
    this.#burst = this.#host.runtime.setTimer(
      () => {
        this.#burst = undefined;
        this.#look();
      },
      BURST,
      true,
    );
  }

  #look(): void {
    if (this.#isLooking) {
      this.#looksAgain = true;
      return;
    }
    this.#isLooking = true;
    void this.#read().finally(() => {
      this.#isLooking = false;
      if (!this.#looksAgain || this.#isStopped) return;
      this.#looksAgain = false;
      this.#look();
    });
  }

  async #read(): Promise<void> {
    const { path } = this.#policy;
    try {
      const looks = await appearance(path);
      if (looks === this.#seen) return;
      const text = await readFile(path, 'utf8');
      this.#isGone = false;
      if (text !== this.#text) {
        const parsed = await this.#parse(text, looks);
        if (parsed === undefined) return;
        this.#text = text;
        if (!this.#isStopped) this.#host.update(parsed.list);
      }
      this.#seen = looks;
    } catch (error) {
      if (isGone(error)) {
        if (this.#isGone) return;
        this.#isGone = true;
        // When it comes back it is read, whatever it holds.
        this.#seen = this.#text = undefined;
      }
      if (!this.#isStopped) this.#host.failed(error);
    }
  }

  /** Undefined where it is to be read again soon. */
  async #parse(text: string, looks: string): Promise<{ readonly list: EndpointList } | undefined> {
    const { path, parse } = this.#policy;
    try {
      return { list: await parseFile(text, path, parse) };
    } catch (error) {
      if (this.#doubted === looks) {
        // Until it changes, there is nothing more to say.
        this.#seen = looks;
        throw error;
      }
      this.#doubted = looks;
      this.#stirred();
      return undefined;
    }
  }
}

/** What changes with a file's content: a new file in its place, its time, its size. */
async function appearance(path: string): Promise<string> {
  const { ino, mtimeNs, ctimeNs, size } = await stat(path, { bigint: true });
  return [ino, mtimeNs, ctimeNs, size].join(' ');
}

function isGone(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}
