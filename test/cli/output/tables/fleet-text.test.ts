import { fleetText } from '../../../../src/cli/output/tables/fleet-text.js';
import { renderStatus } from '../../../../src/cli/output/status-text.js';
import { PEER_STATUS, REPORT } from '../../../support/fakes/status-report.js';

const NOW = PEER_STATUS.latestHandshakeUnix! + 12_000;
const report = (name: string, changes: object = {}) => ({
  ...REPORT,
  ...{ name, simId: name, isOfFleet: true, ...changes },
});
const closed = (name: string, pid = REPORT.pid) => ({
  ...{ name, path: `/run/${name}.sock`, why: 'no file', isDenied: false },
  closed: { name, simId: '', pid },
});

it('shows the SIMs of each process as a table, by name, with those that are not open', () => {
  const silent = [closed('b'), { ...closed('x'), closed: undefined }];
  expect(fleetText([report('c'), report('a')], silent, NOW)).toBe(
    [
      'process 4711: 3 SIMs',
      'NAME  SIM ID  HANDSHAKE  RECEIVED  SENT    HEALTH',
      'a     a       12 s ago   920 B     1480 B  up',
      'b     -       -          -         -       closed: no file',
      'c     c       12 s ago   920 B     1480 B  up',
      '',
      '',
    ].join('\n'),
  );
});

it('has a table for each process, and none without SIMs', () => {
  const text = fleetText([report('a')], [closed('b', 1)], NOW);
  expect(text.match(/^process .*$/gm)).toEqual(['process 4711: 1 SIM', 'process 1: 1 SIM']);
  expect(fleetText([], [], NOW)).toBe('');
});

it('replaces the blocks of these SIMs in the status, unless details are requested', () => {
  const shown = { tunnels: [report('a'), REPORT], silent: [], devices: [], notes: [] };
  const text = renderStatus(shown, { now: NOW });
  expect(text).toContain('process 4711: 1 SIM');
  expect(text.match(/^interface: .*/gm)).toEqual(['interface: soratun0 (userspace)']);
  const whole = renderStatus(shown, { now: NOW, isDetailed: true });
  expect(whole).not.toContain('process 4711:');
  expect(whole.match(/^interface: .*/gm)).toHaveLength(2);
});
