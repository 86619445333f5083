/** The call's timeout: everything included, every attempt, every wait between them, and the body. */
import { timeOut } from '../core/drive.js';
import type { CallLayer } from '../core/layer.js';

/** One timer a call, for `call.timeout` milliseconds; 0 is none. It holds the process, as the pending call does. */
export const deadline: CallLayer = {
  name: 'deadline',
  start(call) {
    if (call.timeout > 0) {
      call.deadline = call.chain.runtime.setTimer(() => timeOut(call), call.timeout);
    }
    return undefined;
  },
  end(call) {
    if (call.deadline !== undefined) call.chain.runtime.clearTimer(call.deadline);
  },
};
