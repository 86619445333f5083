/** A name that has no addresses: the list of before stays, and it is counted by itself. */

export class EmptyAnswer extends Error {
  override readonly name = 'EmptyAnswer';
}
