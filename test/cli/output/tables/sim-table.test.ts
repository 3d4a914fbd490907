import type { Finding } from '../../../../src/app/sim/diagnose-sim.js';
import type { SimReport } from '../../../../src/app/sim/show-sim.js';
import type { SimSummary } from '../../../../src/app/sim/sim-summary.js';
import {
  renderSimReport,
  renderSimTable,
  simReportValue,
} from '../../../../src/cli/output/tables/sim-table.js';

const SUMMARY: SimSummary = {
  simId: '8942310022000012345',
  name: 'sensor-1',
  status: 'active',
  online: true,
  address: '10.0.0.2',
  createdTime: Date.UTC(2026, 10, 25, 14, 0, 0, 500),
  groupId: 'group-1',
  tags: { name: 'sensor-1', site: 'osaka', floor: '' },
};
const UNKNOWN: SimSummary = {
  simId: '1',
  name: '',
  status: undefined,
  online: undefined,
  address: undefined,
  createdTime: undefined,
  groupId: undefined,
  tags: {},
};

describe('the table', () => {
  it('has a line for each SIM, without trailing spaces', () => {
    const offline = { ...SUMMARY, simId: '2', name: 'センサー', online: false, groupId: undefined };
    expect(renderSimTable([SUMMARY, offline, UNKNOWN])).toBe(
      [
        'SIM ID               NAME      STATUS  SESSION  ADDRESS   CREATED               GROUP',
        '8942310022000012345  sensor-1  active  online   10.0.0.2  2026-11-25T14:00:00Z  group-1',
        '2                    センサー  active  offline  10.0.0.2  2026-11-25T14:00:00Z',
        '1',
        '',
      ].join('\n'),
    );
  });

  it('cuts long names', () => {
    const [, row] = renderSimTable([{ ...SUMMARY, name: 'x'.repeat(31) }]).split('\n');
    expect(row).toContain(`  ${'x'.repeat(29)}…  active`);
    const [, fits] = renderSimTable([{ ...SUMMARY, name: 'x'.repeat(30) }]).split('\n');
    expect(fits).toContain(`  ${'x'.repeat(30)}  active`);
  });

  it('escapes control characters', () => {
    const text = 'a\u001b[31m\nb\u202ec\u009bd';
    const table = renderSimTable([{ ...SUMMARY, simId: text, name: text, groupId: text }]);
    expect(table.split('\n')).toHaveLength(3);
    expect(table.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});

const REPORT: SimReport = {
  sim: {
    ...SUMMARY,
    type: 'virtual',
    speedClass: 'arc.standard',
    lastModifiedTime: Date.UTC(2026, 10, 25, 15),
    terminationEnabled: false,
    imsi: '999990000012345',
    arcClientPeerPublicKey: 'PUBLIC=',
    arcSessionStatus: {
      arcServerPeerPublicKey: 'SERVER=',
      arcServerEndpoint: 'link.arc.soracom.io:11010',
      arcAllowedIPs: ['100.127.0.0/21', '10.0.0.0/8'],
      arcClientPeerIpAddress: '10.0.0.2',
    },
    sessionStatus: {
      online: true,
      lastUpdatedAt: Date.UTC(2026, 10, 25, 16),
      ueIpAddress: '10.0.0.2',
      imsi: '999990000012345',
      placement: { infrastructureProvider: 'aws', region: 'ap-northeast-1' },
    },
  },
  events: undefined,
  arcConfig: undefined,
  notes: [],
};
const EVENT = {
  event: 'Created',
  time: Date.UTC(2026, 10, 25, 16),
  ueIpAddress: '10.0.0.2',
  imsi: undefined,
  simId: undefined,
  sessionId: undefined,
  subscription: undefined,
  vpgId: undefined,
  gatewayPublicIpAddress: undefined,
};

describe('the report', () => {
  it('has a line for each known value', () => {
    expect(renderSimReport(REPORT)).toBe(
      [
        'SIM ID       8942310022000012345',
        'Name         sensor-1',
        'Status       active',
        'Type         virtual',
        'Speed class  arc.standard',
        'Group        group-1',
        'Tags         site=osaka, floor=',
        'Created      2026-11-25T14:00:00Z',
        'Modified     2026-11-25T15:00:00Z',
        'Termination  protected',
        'IMSI         999990000012345',
        'Public key   PUBLIC=',
        'Session      online',
        'Updated      2026-11-25T16:00:00Z',
        'Placement    aws ap-northeast-1',
        'Address      10.0.0.2',
        'Server key   SERVER=',
        'Endpoint     link.arc.soracom.io:11010',
        'Allowed IPs  100.127.0.0/21, 10.0.0.0/8',
        '',
      ].join('\n'),
    );
  });

  it('has a dash for unknown values', () => {
    const sim = {
      ...REPORT.sim,
      ...UNKNOWN,
      terminationEnabled: undefined,
      sessionStatus: undefined,
      arcSessionStatus: undefined,
    };
    const text = renderSimReport({ ...REPORT, sim });
    for (const name of ['Name', 'Tags', 'Termination', 'Session', 'Placement', 'Endpoint']) {
      expect(text).toMatch(new RegExp(`^${name} +-$`, 'm'));
    }
  });

  it('shows when a SIM can be terminated', () => {
    const sim = { ...REPORT.sim, terminationEnabled: true };
    expect(renderSimReport({ ...REPORT, sim })).toMatch(/^Termination +possible$/m);
  });

  it('shows whether arc.json agrees, and what to do if it does not', () => {
    const arcConfig = { source: 'arc.json', findings: [] };
    expect(renderSimReport({ ...REPORT, arcConfig })).toMatch(/\n\narc\.json matches SORACOM\.\n$/);
    const findings: Finding[] = [
      { kind: 'no-session', problem: 'A\u001b[2J.', next: 'Do B.' },
      { kind: 'other-key', problem: 'C.', next: 'Do D.' },
    ];
    expect(renderSimReport({ ...REPORT, arcConfig: { source: 'arc.json', findings } })).toMatch(
      /\n\nDifferences between arc\.json and SORACOM:\n {2}A\ufffd\[2J\.\n {4}Do B\.\n {2}C\.\n {4}Do D\.\n$/,
    );
  });

  it('lists events', () => {
    expect(renderSimReport({ ...REPORT, events: [EVENT] })).toMatch(
      /\n\nTIME {18}EVENT {4}ADDRESS\n2026-11-25T16:00:00Z {2}Created {2}10\.0\.0\.2\n$/,
    );
    expect(renderSimReport({ ...REPORT, events: [] })).toMatch(/\n\nNo session events in /);
  });

  it('escapes tags and all other texts', () => {
    const sim = { ...REPORT.sim, tags: { 'a\u001b[1m': 'b\nc' }, imsi: '\u009b2J' };
    const text = renderSimReport({ ...REPORT, sim });
    expect(text.split('\n')).toHaveLength(20);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it('is also available as a value for programs', () => {
    const arcConfig = { source: 'arc.json', findings: [] };
    expect(simReportValue({ ...REPORT, arcConfig })).toEqual({ ...REPORT.sim, arcConfig });
    expect(simReportValue({ ...REPORT, events: [EVENT] })).toEqual({
      ...REPORT.sim,
      arcConfig: undefined,
      events: [EVENT],
    });
  });
});
