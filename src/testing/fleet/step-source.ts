/** Which step the next request gets, according to the plan that holds now. */
import { checkPlan, checkStep, isSequence } from './check-plan.js';
import type { Plan, Step } from './plan.js';
import type { ReceivedRequest } from './request-record.js';

export class StepSource {
  readonly #random: () => number;
  #plan: Plan;
  #taken = 0;

  constructor(plan: Plan, random: () => number) {
    checkPlan(plan);
    this.#plan = plan;
    this.#random = random;
  }

  /** From now on this plan, from its beginning. */
  replace(plan: Plan): void {
    checkPlan(plan);
    this.#plan = plan;
    this.#taken = 0;
  }

  /** A function's answer may be a promise, its mistake an exception or a rejection. */
  next(request: ReceivedRequest): Step | Promise<Step> {
    const plan = this.#plan;
    const index = this.#taken++;
    if (typeof plan === 'function') {
      const step = plan(index, request, this.#random);
      return step instanceof Promise ? step.then(checked) : checked(step);
    }
    return isSequence(plan) ? (plan[Math.min(index, plan.length - 1)] as Step) : plan;
  }
}

function checked(step: Step): Step {
  checkStep(step);
  return step;
}
