/** Many SIMs in one `up`: bench/fleet.js with fewer SIMs, and for a shorter time. */
import { Processes, REPOSITORY } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { atLength } from '../support/runner/tier.js';

interface Figures {
  readonly start: { readonly up: number };
  readonly messages: object;
}

const processes = new Processes();
afterAll(() => processes.close());

describeWith(['linux', 'setpriv'], 'a fleet under load', () => {
  it('delivers each message once and under its own SIM while other SIMs are deleted', async () => {
    const { count, seconds, deleted } = atLength({
      short: { count: 20, seconds: 4, deleted: 2 },
      long: { count: 100, seconds: 20, deleted: 5 },
    });
    const flags = { count, seconds, delete: deleted, interval: 1 };
    const parameters = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, `${value}`]);
    const bench = `${REPOSITORY}bench/fleet.js`;
    const { stdout, stderr } = await processes.run([
      ...[process.execPath, bench, '--json'],
      ...parameters,
    ]);
    expect(stderr).toBe('');
    const { start, messages } = JSON.parse(stdout) as Figures;
    expect(start.up).toBe(count);
    expect(messages).toMatchObject({
      sent: (count - deleted) * seconds,
      ...{ lost: 0, doubled: 0, misplaced: 0, failed: 0, failures: [], deleted },
    });
  }, 300_000);
});
