/** The `hashOn` option of the sticky load-balancing policies: which calls belong together. */
import type { KeyedRequest } from '../core/policy.js';

interface Terminal {
  /**
   * Once there is a hash, those behind this one in the list are not asked.
   * @default false
   */
  readonly terminal?: boolean | undefined;
}

/** One header, one cookie or one query parameter, by its name. */
export type HashedValue = Terminal &
  (
    | {
        /** The value of this header of the request; several are sorted first, as in Envoy. */
        readonly header: string;
        readonly cookie?: undefined;
        readonly query?: undefined;
      }
    | {
        /** The value of this cookie of the request, an empty one counting as none. You issue it, the client does not. */
        readonly cookie: string;
        readonly header?: undefined;
        readonly query?: undefined;
      }
    | {
        /** The first value of this parameter of the URL, as it is written there. */
        readonly query: string;
        readonly header?: undefined;
        readonly cookie?: undefined;
      }
  );

/** A value of the request, or what a function makes of it: text, or undefined for none. */
export type HashSourceOptions = HashedValue | ((request: KeyedRequest) => string | undefined);

/** What calls are hashed on: one value, or several, which are combined as Envoy combines its hash policies. */
export type HashOn = HashSourceOptions | readonly HashSourceOptions[];
