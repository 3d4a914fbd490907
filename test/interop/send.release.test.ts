/** `send` over TCP and UDP through wireguard-go, with the kernel's TCP and UDP at the far end. */
import { describeWith } from '../support/runner/requirements.js';
import { REPOSITORY, type TestProcess } from '../support/processes.js';
import { inSpace, SERVICE, WireGuardGoServer } from '../support/foreign/wireguard-go-server.js';

const PEERS = ['root', 'wireguard-go', 'wg', 'ip', 'ethtool'] as const;
const PEER = `${REPOSITORY}test/support/foreign/entry-point-peer.js`;

describeWith(PEERS, 'send with wireguard-go as the peer', () => {
  let server: WireGuardGoServer;
  let entry: TestProcess;

  beforeAll(async () => {
    server = new WireGuardGoServer();
    await server.startWireGuard();
    entry = server.processes.start([
      ...inSpace(server.serverSpace),
      process.execPath,
      PEER,
      SERVICE,
      '23080',
    ]);
    await entry.output(/listening/);
  }, 30_000);
  afterAll(() => server.close());

  const send = (...parameters: string[]) => server.arctun('send', ...parameters).finished;

  it.each(['tcp', 'udp'])(
    'prints the answer over %s',
    async (via) => {
      const sent = await send('--via', via, '{"temperature": 21.5}');
      expect(sent).toEqual({ code: 0, stdout: '201 {"temperature": 21.5}', stderr: '' });
      const json = await send('--via', via, '--json', 'x');
      expect(JSON.parse(json.stdout)).toEqual({ via, answer: '201 x' });
    },
    60_000,
  );

  it.each([
    ['tcp', /The message was delivered, but the target did not send a response/],
    ['udp', /No response within 1 s. Over UDP, the message may or may not have arrived/],
  ])(
    'finishes without an answer over %s, and reports that',
    async (via, note) => {
      const sent = await send('--via', via, '--timeout', '1', 'silent');
      expect(sent).toMatchObject({ code: 0, stdout: '' });
      expect(sent.stderr).toMatch(note);
      expect(entry.stdout).toContain(`${via} 6 silent`);
      const json = await send('--via', via, '--timeout', '1', '--json', 'silent');
      expect(json.code).toBe(0);
      expect(JSON.parse(json.stdout)).toEqual({ via, answer: null });
    },
    60_000,
  );

  it('reports an empty datagram, and a connection that is closed without an answer', async () => {
    const empty = await send('--via', 'udp', '--json', 'empty');
    expect(JSON.parse(empty.stdout)).toEqual({ via: 'udp', answer: '' });
    expect(empty.stderr).toContain('The target sent an empty response');
    const closed = await send('--via', 'tcp', '--json', 'close');
    expect(closed.code).toBe(0);
    expect(JSON.parse(closed.stdout)).toEqual({ via: 'tcp', answer: null });
  }, 60_000);

  it('sends 1392 bytes over UDP, refuses one more, and sends that over TCP', async () => {
    const whole = await send('--via', 'udp', 'a'.repeat(1388));
    expect(whole).toEqual({ code: 0, stdout: `201 ${'a'.repeat(1388)}`, stderr: '' });
    const largest = await send('--via', 'udp', '--timeout', '1', 'b'.repeat(1392));
    expect(largest.code).toBe(0);
    expect(entry.stdout).toContain('udp 1392 bbb');
    const longer = await send('--via', 'udp', 'c'.repeat(1393));
    expect(longer.code).toBe(2);
    expect(longer.stderr).toContain('cannot send 1393 bytes over UDP');
    expect(entry.stdout).not.toContain('ccc');
    const byTcp = await send('--via', 'tcp', 'c'.repeat(1393));
    expect(byTcp).toMatchObject({ code: 0, stderr: '' });
  }, 60_000);

  it('reads a large answer over TCP to its end', async () => {
    const sent = await send('--via', 'tcp', 'large 1000000');
    expect(sent).toMatchObject({ code: 0, stderr: '' });
    expect(sent.stdout).toHaveLength(1_000_000);
  }, 60_000);

  it('fails when the connection is reset', async () => {
    const sent = await send('--via', 'tcp', 'reset');
    expect(sent.code).toBe(1);
    expect(sent.stderr).toContain('reset by the other side');
  }, 60_000);

  it.each([
    ['tcp', `${SERVICE}:9`, 'refused'],
    ['udp', `${SERVICE}:9`, 'UDP port 9 on the target is closed'],
    ['tcp', '192.0.2.1', 'outside the allowed IPs'],
    ['udp', '192.0.2.1', 'outside the allowed IPs'],
  ])(
    'exits with 5 over %s to %s',
    async (via, target, reason) => {
      const sent = await send('--via', via, '--forward-to', target, 'x');
      expect(sent).toMatchObject({ code: 5, stdout: '' });
      expect(sent.stderr).toContain(reason);
    },
    60_000,
  );
});
