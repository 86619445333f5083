/** Names of methods and of headers: tokens, as HTTP has them (RFC 9110, 5.6.2). */
import type { Reader } from './place.js';
import { list } from './readers.js';

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** In lower case. */
export const readHeaderName: Reader<string> = (value, at) =>
  typeof value === 'string' && TOKEN.test(value)
    ? value.toLowerCase()
    : at.refuse(value, "the name of a header, such as 'retry-after'");

/** In capitals. */
export const readMethod: Reader<string> = (value, at) =>
  typeof value === 'string' && TOKEN.test(value)
    ? value.toUpperCase()
    : at.refuse(value, "the name of a method, such as 'POST'");

export const readMethods = list(readMethod, "a list of methods, such as ['POST']");
