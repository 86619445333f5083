/** A place in the options while they are read: its path, and where problems are gathered. */
import type { OptionsProblem } from '../core/errors.js';
import { describe, pathOf } from './describe.js';

export class Place {
  constructor(
    /** Empty for the options as a whole. */
    readonly path: string,
    readonly problems: OptionsProblem[],
  ) {}

  key(key: string): Place {
    return new Place(pathOf(this.path, key), this.problems);
  }

  item(index: number): Place {
    return new Place(`${this.path}[${index}]`, this.problems);
  }

  /** No problem was reported here or below. */
  isSound(): boolean {
    return !this.problems.some(({ path }) => path.startsWith(this.path));
  }

  /** The usual problem: another value was expected. Null, so that a reader can return it. */
  refuse(value: unknown, expected: string, hint = ''): null {
    return this.refuseFound(describe(value), expected, hint);
  }

  /** As `refuse`, where what was found must be described in other words. */
  refuseFound(found: string, expected: string, hint = ''): null {
    return this.say(found, expected, `found ${found}, expected ${expected}${hint}`);
  }

  /** A problem with a sentence of its own, which follows the path. */
  say(found: string, expected: string, sentence: string): null {
    return this.report(found, expected, `${this.path === '' ? 'options' : this.path}: ${sentence}`);
  }

  /** A problem with a whole message of its own, which must name the path. */
  report(found: string, expected: string, message: string): null {
    this.problems.push({ path: this.path, found, expected, message });
    return null;
  }
}

/** Checks a value and gives its normalised form; null when it has reported a problem instead. */
export type Reader<T> = (value: unknown, at: Place) => T | null;
