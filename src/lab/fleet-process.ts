/** The fleet's process: starts, changes and stops backends as the lab asks, and ends with the lab. */
import { type FakeService, startFakeService } from './fake-service/service.js';
import type { FleetReply, FleetRequest } from './fleet-messages.js';

const running: FakeService[] = [];

async function obey(
  request: FleetRequest,
): Promise<Extract<FleetReply, { value: unknown }>['value']> {
  switch (request.verb) {
    case 'start': {
      const started = await Promise.all(request.argument.map(startFakeService));
      running.push(...started);
      return started.map(({ name, port }) => ({ name, url: `http://127.0.0.1:${port}` }));
    }
    case 'change':
      named(request.argument.name).change(request.argument.behaviour);
      return null;
    case 'halt':
      await named(request.argument.name).stop();
      return null;
    case 'received':
      return running.map((service) => service.received);
    case 'connections':
      return running.map((service) => service.connections);
    case 'resetCounts':
      for (const service of running) service.resetCount();
      return null;
    case 'clear':
      await Promise.all(running.splice(0).map((service) => service.stop()));
      return null;
  }
}

function named(name: string): FakeService {
  const found = running.find((service) => service.name === name);
  if (found !== undefined) return found;
  const names = running.map((service) => service.name).join(', ');
  throw new Error(`no backend is called '${name}'; they are ${names}`);
}

function say(reply: FleetReply): void {
  // Without a callback a lab that has gone would end this process with an unhandled error.
  process.send?.(reply, () => undefined);
}

process.on('message', (request: FleetRequest) => {
  obey(request).then(
    (value) => say({ id: request.id, value }),
    (error: unknown) => say({ id: request.id, error: String(error) }),
  );
});
// However the lab ends, this channel closes; its Ctrl-C reaches this process too and is the lab's to handle.
process.on('disconnect', () => process.exit(0));
process.on('SIGINT', () => undefined);

if (process.send === undefined) {
  process.stderr.write('This is the fleet of `outrigger lab`, which starts it.\n');
  process.exitCode = 2;
} else {
  say({ ready: true });
}
