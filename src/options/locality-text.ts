/** Localities as options write them. */
import { text } from './readers.js';

/** `region/zone/subzone`, parts left out from the right. */
export const LOCALITY = /^(?:[^\s/*]+(?:\/[^\s/*]+){0,2})?$/;
export const A_LOCALITY = "'region/zone/subzone' without *, parts left out from the right alone";

/** One that is known: not empty. */
export const readKnownLocality = text(/^[^\s/*]+(?:\/[^\s/*]+){0,2}$/, A_LOCALITY);
