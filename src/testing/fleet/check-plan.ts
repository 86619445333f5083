/** Refuses plans that cannot be carried out, where they are given and not where they would fail. */
import type { Answer, AnswerBody, Plan, RawBytes, Step, Wait } from './plan.js';

const WORDS = ['echo', 'garbage', 'reset', 'close', 'silence'];
const ENDINGS = ['reset', 'close', 'silence'];

const ANSWER_KEYS: Readonly<Record<keyof Answer, true>> = {
  status: true,
  statusText: true,
  headers: true,
  information: true,
  delay: true,
  bodyDelay: true,
  body: true,
  framing: true,
  cut: true,
  after: true,
};

/** @throws TypeError that says what is wrong with the plan. */
export function checkPlan(plan: Plan): void {
  if (typeof plan === 'function') return;
  if (!isSequence(plan)) {
    checkStep(plan);
    return;
  }
  expect(plan.length > 0, 'A sequence of steps has at least one', plan);
  plan.forEach(checkStep);
}

export function isSequence(plan: Plan): plan is readonly Step[] {
  return Array.isArray(plan);
}

/** @throws TypeError that says what is wrong with the step. */
export function checkStep(step: Step): void {
  if (typeof step === 'number') {
    checkStatus(step, 200);
  } else if (typeof step === 'string') {
    expect(WORDS.includes(step), `A step in one word is one of ${WORDS.join(', ')}`, step);
  } else {
    expect(
      typeof step === 'object' && (step as unknown) !== null,
      'A step is a status, a word or an object',
      step,
    );
    checkObject(step);
  }
}

/** @throws TypeError for a key that would be ignored. */
export function checkKeys(value: object, known: readonly string[], what: string): void {
  const stranger = Object.keys(value).find((key) => !known.includes(key));
  if (stranger !== undefined) {
    throw new TypeError(`${what} has ${known.join(', ')}; found '${stranger}'`);
  }
}

function checkObject(step: Exclude<Step, number | string>): void {
  if ('wait' in step) {
    checkKeys(step, ['wait', 'step'], 'A step after a wait');
    checkWait(step.wait);
    checkStep(step.step);
  } else if ('early' in step) {
    checkKeys(step, ['early'], 'An early step');
    checkStep(step.early);
  } else if ('raw' in step) {
    checkRaw(step);
  } else {
    checkAnswer(step);
  }
}

function checkRaw(step: RawBytes): void {
  checkKeys(step, ['raw', 'end'], 'A step of raw bytes');
  expect(isBytes(step.raw), 'Raw bytes are text or a Uint8Array', step.raw);
  expect(
    step.end === undefined || ENDINGS.includes(step.end),
    `An end is one of ${ENDINGS.join(', ')}`,
    step.end,
  );
}

function checkAnswer(answer: Answer): void {
  checkKeys(answer, Object.keys(ANSWER_KEYS), 'An answer');
  checkStatus(answer.status ?? 200, 200);
  for (const head of answer.information ?? []) checkStatus(head.status, 102, 199);
  checkWait(answer.delay ?? 0);
  checkWait(answer.bodyDelay ?? 0);
  const length = checkBody(answer.body ?? '');
  const { cut, framing = 'chunked', after = 'close' } = answer;
  expect(
    ['content-length', 'chunked', 'until-close'].includes(framing),
    'Unknown framing',
    framing,
  );
  expect(
    framing !== 'content-length' || length < Infinity,
    'The length of this body is not known',
    framing,
  );
  expect(['reset', 'close'].includes(after), 'After an answer: reset or close', after);
  if (cut === undefined) return;
  checkKeys(cut, ['at', 'by'], 'A cut');
  expect(Number.isInteger(cut.at) && cut.at >= 0, 'A cut is at a number of bytes', cut.at);
  expect(cut.at <= length, `A cut is within the body of ${length} bytes`, cut.at);
  expect(ENDINGS.includes(cut.by), `A cut is by one of ${ENDINGS.join(', ')}`, cut.by);
}

/** The length of the body in bytes; infinite while it is not known. */
function checkBody(body: AnswerBody): number {
  if (isBytes(body)) return Buffer.byteLength(body);
  if (typeof body === 'function') return Infinity;
  expect(typeof body === 'object', 'A body is bytes, an object or a function', body);
  if ('size' in body) {
    checkKeys(body, ['size'], 'A body of filling');
    expect(
      Number.isSafeInteger(body.size) && body.size >= 0,
      'A size is a number of bytes',
      body.size,
    );
    return body.size;
  }
  checkKeys(body, ['pieces', 'pause'], 'A body in pieces');
  expect(Array.isArray(body.pieces) && body.pieces.every(isBytes), 'Pieces are bytes', body.pieces);
  checkWait(body.pause ?? 0);
  return body.pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0);
}

function checkStatus(status: number, lowest: number, highest = 999): void {
  const right = Number.isInteger(status) && status >= lowest && status <= highest;
  expect(right, `A status here is a whole number from ${lowest} to ${highest}`, status);
}

function checkWait(wait: Wait): void {
  const right = typeof wait === 'number' ? wait >= 0 && wait < 2 ** 31 : wait instanceof Promise;
  expect(right, 'A wait is milliseconds or a promise', wait);
}

function isBytes(value: unknown): value is string | Uint8Array {
  return typeof value === 'string' || value instanceof Uint8Array;
}

function expect(right: boolean, rule: string, found: unknown): asserts right {
  if (right) return;
  const shown = ['object', 'string'].includes(typeof found) ? JSON.stringify(found) : String(found);
  throw new TypeError(`${rule}; found ${shown}`);
}
