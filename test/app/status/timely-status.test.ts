import { timelyStatus } from '../../../src/app/status/timely-status.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { TUNNEL_STATUS } from '../../support/fakes/status-report.js';

it('is the tunnel’s status, and leaves no timer', async () => {
  const clock = new FakeClock();
  const tunnel = { status: () => Promise.resolve(TUNNEL_STATUS) };
  await expect(timelyStatus(tunnel, 5_000, clock)).resolves.toBe(TUNNEL_STATUS);
  expect(clock.armed).toBe(0);
});

it('is the tunnel’s failure', async () => {
  const clock = new FakeClock();
  const tunnel = { status: () => Promise.reject(new Error('closed')) };
  await expect(timelyStatus(tunnel, 5_000, clock)).rejects.toThrow('closed');
  expect(clock.armed).toBe(0);
});

it('has a timeout', async () => {
  const clock = new FakeClock();
  const status = timelyStatus({ status: () => new Promise(() => undefined) }, 5_000, clock);
  let isOver = false;
  status.catch(() => (isOver = true));
  clock.advance(4_999);
  await new Promise(setImmediate);
  expect(isOver).toBe(false);
  clock.advance(1);
  await expect(status).rejects.toThrow('the data path did not answer within 5 s');
});
