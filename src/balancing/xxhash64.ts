/** xxHash64 of a text: on halves of 32 bits, since BigInt would cost more than everything else in a pick. */
import type { Hash64 } from '../core/hash64.js';

/** Texts of up to so many bytes need no memory of their own. */
const SCRATCH = 256;
const STRIPE = 32;

/** A number of 64 bits that is worked on in place; its halves are signed, as the bit operators have them. */
class Word {
  high = 0;
  low = 0;

  set(high: number, low: number): void {
    this.high = high;
    this.low = low;
  }

  /** The eight bytes from there on, the lowest first. */
  read(bytes: Uint8Array, at: number): void {
    this.low = fourBytes(bytes, at);
    this.high = fourBytes(bytes, at + 4);
  }

  xor(high: number, low: number): void {
    this.high ^= high;
    this.low ^= low;
  }

  add(high: number, low: number): void {
    const sum = (this.low >>> 0) + (low >>> 0);
    this.low = sum | 0;
    this.high = (this.high + high + (sum > 0xffff_ffff ? 1 : 0)) | 0;
  }

  /** By parts of 16 bits, whose products fit into 32. */
  multiply(high: number, low: number): void {
    const own = this.low;
    const own0 = own & 0xffff;
    const own1 = own >>> 16;
    const low0 = low & 0xffff;
    const low1 = low >>> 16;
    const inner = (Math.imul(own1, low0) + (Math.imul(own0, low0) >>> 16)) >>> 0;
    const outer = (Math.imul(own0, low1) + (inner & 0xffff)) >>> 0;
    const carried = Math.imul(own1, low1) + (inner >>> 16) + (outer >>> 16);
    this.high = (carried + Math.imul(this.high, low) + Math.imul(own, high)) | 0;
    this.low = Math.imul(own, low);
  }

  /** To the left, by 1 to 31 bits. */
  rotate(bits: number): void {
    const { high, low } = this;
    this.high = (high << bits) | (low >>> (32 - bits));
    this.low = (low << bits) | (high >>> (32 - bits));
  }
}

function fourBytes(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

// The five primes of xxHash64, in halves.
const P1_HIGH = 0x9e3779b1 | 0;
const P1_LOW = 0x85ebca87 | 0;
const P2_HIGH = 0xc2b2ae3d | 0;
const P2_LOW = 0x27d4eb4f | 0;
const P3_HIGH = 0x165667b1 | 0;
const P3_LOW = 0x9e3779f9 | 0;
const P4_HIGH = 0x85ebca77 | 0;
const P4_LOW = 0xc2b2ae63 | 0;
const P5_HIGH = 0x27d4eb2f | 0;
const P5_LOW = 0x165667c5 | 0;

// Nothing here waits, so one set of words serves all.
const scratch = new Uint8Array(SCRATCH);
const hash = new Word();
const lane = new Word();
const lanes = [new Word(), new Word(), new Word(), new Word()] as const;

/**
 * xxHash64 (xxhash.com, `doc/xxhash_spec.md`) of the bytes that the text has in this encoding. The halves of what is
 * handed back are signed: `>>> 0` makes them what they stand for.
 * @param seed a whole number of 31 bits
 */
export function xxHash64(text: string, seed = 0, encoding: 'utf8' | 'latin1' = 'utf8'): Hash64 {
  const { length } = text;
  let bytes = scratch;
  let ascii = length <= SCRATCH;
  for (let index = 0; ascii && index < length; index++) {
    const code = text.charCodeAt(index);
    scratch[index] = code;
    ascii = code < 0x80;
  }
  if (!ascii) bytes = Buffer.from(text, encoding);
  digest(bytes, ascii ? length : bytes.length, seed);
  return { high: hash.high, low: hash.low };
}

function digest(bytes: Uint8Array, length: number, seed: number): void {
  let at = 0;
  if (length >= STRIPE) {
    at = takeStripes(bytes, length, seed);
  } else {
    hash.set(P5_HIGH, P5_LOW);
    hash.add(0, seed);
  }
  hash.add(0, length);
  for (; at + 8 <= length; at += 8) {
    lane.read(bytes, at);
    scramble(lane);
    hash.xor(lane.high, lane.low);
    mix(27, P1_HIGH, P1_LOW, P4_HIGH, P4_LOW);
  }
  if (at + 4 <= length) {
    lane.set(0, fourBytes(bytes, at));
    lane.multiply(P1_HIGH, P1_LOW);
    hash.xor(lane.high, lane.low);
    mix(23, P2_HIGH, P2_LOW, P3_HIGH, P3_LOW);
    at += 4;
  }
  for (; at < length; at++) {
    lane.set(0, bytes[at] as number);
    lane.multiply(P5_HIGH, P5_LOW);
    hash.xor(lane.high, lane.low);
    mix(11, P1_HIGH, P1_LOW, 0, 0);
  }
  hash.xor(0, hash.high >>> 1); // the number shifted to the right by 33
  hash.multiply(P2_HIGH, P2_LOW);
  hash.xor(hash.high >>> 29, (hash.low >>> 29) | (hash.high << 3)); // by 29
  hash.multiply(P3_HIGH, P3_LOW);
  hash.xor(0, hash.high); // by 32
}

/** Whole stripes of four lanes each; says where they end. */
function takeStripes(bytes: Uint8Array, length: number, seed: number): number {
  const [first, second, third, fourth] = lanes;
  first.set(P1_HIGH, P1_LOW);
  first.add(P2_HIGH, P2_LOW);
  first.add(0, seed);
  second.set(P2_HIGH, P2_LOW);
  second.add(0, seed);
  third.set(0, seed);
  fourth.set(~P1_HIGH, ~P1_LOW);
  fourth.add(0, seed + 1);
  let at = 0;
  for (; at + STRIPE <= length; at += STRIPE) {
    for (let number = 0; number < 4; number++) {
      const word = lanes[number] as Word;
      lane.read(bytes, at + 8 * number);
      lane.multiply(P2_HIGH, P2_LOW);
      word.add(lane.high, lane.low);
      word.rotate(31);
      word.multiply(P1_HIGH, P1_LOW);
    }
  }
  hash.set(0, 0);
  addRotated(first, 1);
  addRotated(second, 7);
  addRotated(third, 12);
  addRotated(fourth, 18);
  for (const word of lanes) {
    scramble(word);
    hash.xor(word.high, word.low);
    hash.multiply(P1_HIGH, P1_LOW);
    hash.add(P4_HIGH, P4_LOW);
  }
  return at;
}

function addRotated(word: Word, bits: number): void {
  lane.set(word.high, word.low);
  lane.rotate(bits);
  hash.add(lane.high, lane.low);
}

/** A round from nothing. */
function scramble(word: Word): void {
  word.multiply(P2_HIGH, P2_LOW);
  word.rotate(31);
  word.multiply(P1_HIGH, P1_LOW);
}

function mix(
  bits: number,
  timesHigh: number,
  timesLow: number,
  plusHigh: number,
  plusLow: number,
): void {
  hash.rotate(bits);
  hash.multiply(timesHigh, timesLow);
  hash.add(plusHigh, plusLow);
}
