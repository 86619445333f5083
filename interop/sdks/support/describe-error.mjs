/** What a caller can tell of an error, as plain values that can be compared. */
import { isOutriggerError } from 'outrigger';

/** With the codes of its causes, down to the socket's. */
export function describeError(error) {
  if (!(error instanceof Error)) return { thrown: error };
  const { name, message, status, statusCode, type } = error;
  const told = { class: classOf(error), name, message, status, statusCode, type };
  return {
    ...Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined)),
    codes: codesOf(error),
  };
}

/** Outrigger's own network errors are TypeErrors as fetch's are, which carry more: that much is on purpose. */
const isOwn = (error) => isOutriggerError(error) && error instanceof TypeError;

const classOf = (error) => (isOwn(error) ? 'TypeError' : error.constructor.name);

function codesOf(error) {
  const codes = [];
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at.code !== undefined && !isOwn(at)) codes.push(at.code);
  }
  return codes;
}
