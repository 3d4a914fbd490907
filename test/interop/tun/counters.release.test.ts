/**
 * What Linux's own test of WireGuard (tools/testing/selftests/wireguard/netns.sh) requires of
 * pings, counters and sizes, for our network interface with wireguard-go as the peer.
 */
import { describeWith } from '../../support/runner/requirements.js';
import { SERVER_OUTSIDE_6, TUN_LAB, TunLab } from '../../support/foreign/tun-lab.js';
import { INSIDE_IPV6, LISTEN_PORT } from '../../support/foreign/wireguard-go-server.js';

const INITIATION = 148;
const RESPONSE = 92;
const KEEPALIVE = 32;
/** A ping of 84 bytes, padded to 96, in a message. */
const PING = 128;

interface StatusLine {
  readonly name: string;
  readonly peers: readonly {
    readonly publicKey: string;
    readonly endpoint: string;
    readonly latestHandshake: string;
    readonly sentBytes: number;
    readonly receivedBytes: number;
  }[];
}

describeWith([...TUN_LAB, 'curl'], 'a network interface, counted', () => {
  let lab: TunLab;

  afterEach(() => lab.close());

  it.each([
    ['IPv4', undefined],
    ['IPv6', INSIDE_IPV6],
  ])(
    'loses none of 1000 flood pings, in either direction, %s',
    async (_family, inside) => {
      lab = await TunLab.start(inside);
      const running = await lab.up();
      const { service, client } = lab.server.inside;
      expect(await lab.ping('client', service, 1000, '-f')).toMatchObject({ lost: 0 });
      expect(await lab.ping('server', client, 1000, '-f')).toMatchObject({ lost: 0 });
      await lab.down(running);
    },
    120_000,
  );

  it('counts ten pings to the byte, at both ends and in arctun’s status (row 32; witness wireguard-go)', async () => {
    lab = await TunLab.start();
    const { server } = lab;
    const out = lab.count('server', {
      initiations: TunLab.message('server', INITIATION),
      keepalives: TunLab.message('server', KEEPALIVE),
    });
    const back = lab.count('client', {
      responses: TunLab.message('client', RESPONSE),
      keepalives: TunLab.message('client', KEEPALIVE),
    });
    const running = await lab.up('--persistent-keepalive', '0');
    const pings = await lab.ping('client', server.inside.service, 10, '-i', '0.05');
    expect(pings.lost).toBe(0);
    const { stdout } = await server.arctun('status', '--json').finished;
    const [ours, theirs] = [lab.peer('client'), lab.peer('server')];
    expect([theirs.received, theirs.sent]).toEqual([ours.sent, ours.received]);
    const [sent, received] = [out(), back()];
    // On a fast machine 1460 and 1372, as in netns.sh: keepalives are added over time.
    expect(ours.sent).toBe(
      sent.initiations * INITIATION + sent.keepalives * KEEPALIVE + pings.sent * PING,
    );
    expect(ours.received).toBe(
      received.responses * RESPONSE + received.keepalives * KEEPALIVE + pings.sent * PING,
    );
    expect([sent.initiations, received.responses]).toEqual([1, 1]);
    expect(ours.latestHandshake).toBeGreaterThan(0);
    expect(theirs.latestHandshake).toBeGreaterThan(0);
    const [line] = JSON.parse(stdout) as [StatusLine];
    expect(line.name).toBe(server.clientDevice);
    expect(line.peers).toMatchObject([
      {
        publicKey: ours.publicKey,
        endpoint: ours.endpoint,
        sentBytes: ours.sent,
        receivedBytes: ours.received,
      },
    ]);
    const shaken = Date.parse(line.peers[0]!.latestHandshake);
    expect(Math.floor(shaken / 1000)).toBe(ours.latestHandshake);
    await lab.down(running);
  }, 60_000);

  it.each([
    ['IPv4', undefined],
    ['IPv6', INSIDE_IPV6],
  ])(
    'uses IPv6 outside, with %s inside',
    async (_family, inside) => {
      lab = await TunLab.start(inside);
      lab.server.writeConfig({ endpoint: `[${SERVER_OUTSIDE_6}]:${LISTEN_PORT}` });
      const running = await lab.up();
      const { service, client } = lab.server.inside;
      await lab.server.startHttp();
      expect(await lab.ping('client', service, 100, '-f')).toMatchObject({ lost: 0 });
      expect(await lab.ping('server', client, 100, '-f')).toMatchObject({ lost: 0 });
      const host = service.includes(':') ? `[${service}]` : service;
      const get = ['-f', '-o', '/dev/null', '-w', '%{size_download}'];
      const got = await lab.server.curl(...get, `http://${host}/bytes/2000000`).finished;
      expect(got).toMatchObject({ code: 0, stdout: '2000000' });
      expect(lab.peer('client').endpoint).toBe(`[${SERVER_OUTSIDE_6}]:${LISTEN_PORT}`);
      await lab.down(running);
    },
    60_000,
  );

  // Neither is a multiple of 16.
  it.each([1420, 1281])(
    'does not pad beyond an MTU of %i: a path with exactly that MTU carries it (row 25; witness wireguard-go)',
    async (mtu) => {
      lab = await TunLab.start();
      const { server } = lab;
      const { service } = server.inside;
      lab.in('server', 'ip', 'link', 'set', server.device, 'mtu', String(mtu));
      server.wire?.addMtu(mtu);
      const running = await lab.up('--mtu', String(mtu));
      const message = mtu + 32;
      const whole = ['-M', 'do', '-s', String(mtu - 28)];
      for (const [side, port] of [
        ['server', 'dport'],
        ['client', 'sport'],
      ] as const) {
        lab.drop(side, `udp ${port} ${LISTEN_PORT} udp length > ${message + 8}`);
        expect(await lab.ping('client', service, 10, '-i', '0.02', ...whole)).toMatchObject({
          lost: 0,
        });
        lab.pass(side);
      }
      // With one byte less, the rule matches, and the packet is dropped.
      lab.drop('server', `udp dport ${LISTEN_PORT} udp length > ${message + 7}`);
      expect(await lab.answers('client', service, 1, ...whole)).toBe(false);
      lab.pass('server');
      // A packet that does not fit never leaves.
      const longer = ['ping', '-c', '1', '-W', '1', '-M', 'do', '-s', String(mtu - 27)];
      const { stderr } = await lab.try('client', ...longer, service);
      expect(stderr).toMatch(/message too long/i);
      await lab.down(running);
    },
    60_000,
  );

  it('carries packets of 34736 bytes if the path can', async () => {
    lab = await TunLab.start();
    const { server } = lab;
    const { service } = server.inside;
    for (const side of ['client', 'server'] as const) {
      const [link] = lab.links(side);
      lab.in(side, 'ip', 'link', 'set', link!, 'mtu', '34816');
    }
    const mtu = 34_816 - 80;
    lab.in('server', 'ip', 'link', 'set', server.device, 'mtu', String(mtu));
    const running = await lab.up('--mtu', String(mtu));
    await server.startHttp();
    const whole = ['-M', 'do', '-s', String(mtu - 28), '-f'];
    expect(await lab.ping('client', service, 100, ...whole)).toMatchObject({ lost: 0 });
    expect(await lab.ping('server', server.inside.client, 100, ...whole)).toMatchObject({
      lost: 0,
    });
    const get = ['-f', '-o', '/dev/null', '-w', '%{size_download}'];
    const got = await server.curl(...get, `http://${service}/bytes/20000000`).finished;
    expect(got).toMatchObject({ code: 0, stdout: '20000000' });
    const [ours, theirs] = [lab.peer('client'), lab.peer('server')];
    expect([ours.sent, ours.received]).toEqual([theirs.received, theirs.sent]);
    await lab.down(running);
  }, 60_000);
});
