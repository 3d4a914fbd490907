import { tablePage } from '../../../src/app/fleet/fleet-table.js';
import { TUNNEL_STATUS } from '../../support/fakes/status-report.js';

const up = (sim: string) => ({ sim, simId: '8942', status: TUNNEL_STATUS });
const closed = (problem: string) => ({ sim: 'bad', simId: '', status: undefined, problem });

it('lists the SIMs with their health', () => {
  const { status, body } = tablePage([up('a'), closed('no file')]);
  expect(status).toBe(200);
  expect(body).toContain('1 of 2 tunnels are up');
  expect(body).toContain('data-state="connecting"');
  const cells = ['a', '8942', '920 B', '1.5 kB', 'up'].map((cell) => `<td>${cell}</td>`);
  expect(body).toContain(`<tr>${cells.join('')}</tr>`);
  expect(body).toContain('<td>closed: no file</td>');
});

it.each([
  [[up('a')], 'up'],
  [[closed('x')], 'stale'],
])('has the state of all SIMs', (sims, state) => {
  expect(tablePage(sims).body).toContain(`data-state="${state}"`);
});

it('escapes text from files, and forbids scripts', () => {
  const { body, headers } = tablePage([closed('<script>alert("x")</script>')]);
  expect(body).not.toContain('<script');
  expect(headers?.['Content-Security-Policy']).toContain("default-src 'none'");
});
