import type { Message } from '../../../src/emulator/messages.js';
import { MAX_MESSAGES, messageRows } from '../../../src/emulator/page/message-rows.js';
import { MAX_ROWS, simList } from '../../../src/emulator/page/sim-rows.js';
import type { Sims } from '../../../src/emulator/sims.js';
import type { Sim } from '../../../src/emulator/sim.js';
import { twoSims } from '../fakes.js';

const NOW = Date.UTC(2026, 0, 2, 3, 10, 0);
const BAD = `<img src=x onerror="alert('1')">&`;
const ESCAPED = '&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;';

let sims: Sims;
let simIds: [string, string];

beforeEach(() => {
  ({ sims, simIds } = twoSims());
});

function list(handshake?: number, messages: readonly Message[] = []) {
  return simList({
    sims,
    messages: { all: () => messages },
    network: { lastHandshake: () => handshake },
    now: NOW,
  });
}

const udp = (body: string, simId = simIds[0]): Message => ({
  protocol: 'udp',
  simId,
  at: '2026-01-02T03:09:00.000Z',
  body,
  bodyEncoding: 'utf8',
  bytes: body.length,
  truncated: false,
});

const http = (path: string): Message => ({
  ...udp(''),
  protocol: 'http',
  method: 'POST',
  path,
  headers: {},
});

const textOf = (html: string) =>
  html
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
const rowsOf = (html: string) => html.split('</tr>').slice(0, -1).map(textOf);

describe('the SIMs', () => {
  it('are listed newest first, terminated SIMs last, without the physical SIM', () => {
    sims.terminate(sims.get(simIds[1])!);
    const rows = rowsOf(list().rows);
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatch(/10\.0\.0\.2 since 03:04:05 UTC . offline . none|10\.0\.0\.2 since/);
    expect(rows[1]).toMatch(/10\.0\.0\.3 SIM terminated – none – none$/);
    expect(list().summary).toBe('2 virtual SIMs');
  });

  it('are online for 180 seconds after a handshake', () => {
    expect(list(NOW - 179_999).rows).toContain('online');
    expect(list(NOW - 180_000).rows).not.toContain('online');
    expect(list().rows).not.toContain('online');
  });

  it('were last seen at the later of handshake and message', () => {
    expect(rowsOf(list(NOW - 1000).rows)[0]).toMatch(/03:09:59 UTC$/);
    expect(rowsOf(list(NOW - 600_000, [udp('x')]).rows)[1]).toMatch(/03:09:00 UTC$/);
    expect(rowsOf(list(NOW - 600_000, [udp('x')]).rows)[0]).toMatch(/03:00:00 UTC$/);
  });

  it('can be chosen for a downlink only if they have a session', () => {
    sims.deleteSession(sims.get(simIds[1])!);
    const { choices } = list();
    expect(choices).toContain(`value="${simIds[0]}"`);
    expect(choices).not.toContain(simIds[1]);
    expect(rowsOf(list(NOW).rows)[0]).toMatch(/10\.0\.0\.3 none – none 03:10:00 UTC$/);
  });

  it('have escaped names, or their IDs as names', () => {
    sims.setTags(sims.get(simIds[0])!, new Map([['name', BAD]]));
    const { rows, choices } = list();
    expect(rows).toContain(`<bdi>${ESCAPED}</bdi>`);
    expect(rows).toContain(`<bdi>${simIds[1]}</bdi>`);
    expect(choices).toContain(`>${ESCAPED} (10.0.0.2)</option>`);
    expect(rows + choices).not.toContain('<img');
  });

  it('are limited in number', () => {
    const all = Array.from({ length: MAX_ROWS + 1 }, () => sims.get(simIds[0])!);
    const { rows, summary } = simList({
      sims: { all: (): readonly Sim[] => all },
      messages: { all: () => [] },
      network: { lastHandshake: () => undefined },
      now: NOW,
    });
    expect(rowsOf(rows)).toHaveLength(MAX_ROWS);
    expect(summary).toBe(`${MAX_ROWS + 1} virtual SIMs; the page shows ${MAX_ROWS} of them`);
  });
});

describe('the messages', () => {
  const rows = (...messages: readonly Message[]) => messageRows(messages, sims);

  it('are listed newest first', () => {
    sims.setTags(sims.get(simIds[0])!, new Map([['name', 'pump']]));
    expect(rowsOf(rows(udp('a'), http('/x?y=1'), udp('bc', 'gone')))).toEqual([
      '03:09:00 UTC gone UDP 23080 bc 2 bytes',
      '03:09:00 UTC pump POST /x?y=1 0 bytes',
      '03:09:00 UTC pump UDP 23080 a 1 byte',
    ]);
  });

  it('contain only escaped text', () => {
    sims.setTags(sims.get(simIds[0])!, new Map([['name', BAD]]));
    const html = rows(udp(BAD), http(`/${BAD}`), udp('x', BAD));
    expect(html).not.toContain('<img');
    expect(html).toContain(`<pre>${ESCAPED}</pre>`);
    expect(html).toContain(`<code>POST /${ESCAPED}</code>`);
  });

  it('are limited in number and length', () => {
    const many = Array.from({ length: MAX_MESSAGES + 1 }, (_, index) => udp(`message ${index}`));
    expect(rowsOf(rows(...many))).toHaveLength(MAX_MESSAGES);
    expect(rows(...many)).not.toContain('message 0<');
    expect(rowsOf(rows(http(`/${'x'.repeat(200)}`)))[0]).toContain(`POST /${'x'.repeat(199)}… 0`);
    const long = { ...udp('x'), bytes: 70_000, truncated: true };
    expect(rowsOf(rows(long))[0]).toMatch(/70000 bytes, only the beginning$/);
  });
});
