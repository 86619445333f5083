/** The experiments, in the chapter's order. A new one is a file of its own and a line here. */
import type { Experiment } from '../experiment.js';
import { loadBalancing } from './load-balancing.js';

export const experiments: readonly Experiment[] = [loadBalancing];
