/** Waits until every configured service has its endpoints. */
import type { Cluster } from '../cluster/cluster.js';
import { NotReadyError } from '../core/errors.js';
import type { Runtime } from '../core/runtime.js';

/** Rejects with a NotReadyError that names everybody who is missing when the time is over, or `closed` is told. */
export async function untilReady(
  clusters: readonly Cluster[],
  runtime: Runtime,
  timeout: number | undefined,
  closed: (listener: () => void) => () => void,
): Promise<void> {
  const awaited = clusters.flatMap((cluster) => cluster.awaited ?? []);
  if (awaited.length === 0) return;
  const limit = timeout ?? Math.max(...awaited.map((list) => list.timeout));
  await new Promise<void>((resolve, reject) => {
    const leave = (): void => {
      runtime.clearTimer(timer);
      for (const stop of listening) stop();
    };
    const fail = (why: string): void => {
      leave();
      reject(notReady(clusters, why));
    };
    const timer = runtime.setTimer(() => fail(`not ready after ${limit} ms`), limit);
    const listening = awaited.map((list) =>
      list.listen(() => {
        if (!awaited.every(({ isOver }) => isOver)) return;
        leave();
        resolve();
      }),
    );
    listening.push(closed(() => fail('the client has been closed before it was ready')));
  });
}

function notReady(clusters: readonly Cluster[], why: string): NotReadyError {
  const missing = clusters.filter((cluster) => cluster.awaited !== undefined);
  const words = missing.map(({ name, missing: reason = '' }) => `${name}: ${reason}`);
  const [first] = missing;
  return new NotReadyError(
    first?.name ?? '',
    `${why}: ${words.join('; ')}`,
    first?.awaited?.reason,
  );
}
