import { execFileSync } from 'node:child_process';

import { describeWith } from '../runner/requirements.js';
import { until } from '../until.js';
import type { WireReport } from './outer-wire.js';
import { inSpace, SERVER_OUTSIDE, WireGuardGoServer } from './wireguard-go-server.js';

const PEERS = ['root', 'wg', 'ip', 'nft', 'ethtool', 'python3', 'linux'] as const;

/** Sends each argument, `ADDRESS:PORT=HEXADECIMAL BYTES`, as a datagram. */
const SEND = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for word in sys.argv[1:]:
    place, payload = word.split('='); host, port = place.split(':')
    s.sendto(bytes.fromhex(payload), (host, int(port)))
`;
const NOTHING = { wireguard: 0, unreachable: 0, strays: 0, examples: [] };
const SERVER = `${SERVER_OUTSIDE}:11010`;

describeWith(PEERS, 'the witness on the outer wire', () => {
  let server: WireGuardGoServer;

  beforeEach(() => {
    server = new WireGuardGoServer();
  });
  afterEach(async () => {
    server.allowStrays();
    await server.close();
  });

  const python = (space: string, code: string, ...words: readonly string[]) =>
    execFileSync('ip', [...inSpace(space).slice(1), 'python3', '-c', code, ...words]);
  const send = (...words: readonly string[]) => python(server.clientSpace, SEND, ...words);
  const message = (type: number, length: number, reserved = '000000') =>
    `${SERVER}=0${type}${reserved}${'ab'.repeat(length - 4)}`;

  /** Waits until the packets of a test have arrived. */
  async function expectReport(expected: Partial<WireReport>): Promise<void> {
    const sum = ({ wireguard = 0, unreachable = 0, strays = 0 }: Partial<WireReport>) =>
      wireguard + unreachable + strays;
    await until(() => sum(server.wire!.report()) >= sum(expected));
    expect(server.wire!.report()).toMatchObject(expected);
  }

  it('counts the four messages of WireGuard', async () => {
    send(message(1, 148), message(2, 92), message(3, 64), message(4, 32), message(4, 48));
    send(message(4, 1452));
    await expectReport({ ...NOTHING, wireguard: 6 });
  });

  it.each([
    ['another type', message(5, 148)],
    ['a reserved byte', message(4, 32, '000001')],
    ['a wrong length', message(1, 149)],
    ['data without padding', message(4, 33)],
    ['data without a tag', message(4, 16)],
    ['a packet of DNS', `${SERVER_OUTSIDE}:53=00`],
  ])('counts %s as a stray, and names its target', async (_name, word) => {
    send(word);
    const port = word.includes(':53=') ? 53 : 11010;
    await expectReport({
      ...NOTHING,
      strays: 1,
      examples: [`${SERVER_OUTSIDE} udp ${port}`],
    });
  });

  it('counts TCP, and ARP for another host than the server', async () => {
    const connect = `
import socket
try: socket.create_connection(('${SERVER_OUTSIDE}', 80))
except OSError: pass
`;
    python(server.clientSpace, connect);
    await expectReport({
      ...NOTHING,
      strays: 1,
      examples: [`${SERVER_OUTSIDE} tcp 80`],
    });
    send('192.0.2.77:9=00');
    await expectReport({
      ...NOTHING,
      strays: 2,
      examples: [`${SERVER_OUTSIDE} tcp 80`, 'arp'],
    });
  });

  /** Sends a frame, in hex, to all machines of the link. */
  function sendFrame(protocol: string, payload: string): void {
    const link = execFileSync('ip', ['-n', server.clientSpace, '-j', 'link'], { encoding: 'utf8' });
    const { ifname } = (JSON.parse(link) as { ifname: string }[]).find(
      (one) => one.ifname !== 'lo',
    )!;
    const raw = `
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(('${ifname}', 0))
s.send(bytes.fromhex('${'ff'.repeat(12)}${protocol}${payload}'))
`;
    python(server.clientSpace, raw);
  }

  it('counts a raw frame', async () => {
    sendFrame('88b5', '00'.repeat(46));
    await expectReport({ ...NOTHING, strays: 1, examples: ['34997'] });
  });

  it('knows the kernel’s answer to a neighbor solicitation for an address that was removed', async () => {
    const [host, router] = [`fe80${'00'.repeat(13)}02`, `fe80${'00'.repeat(13)}01`];
    const packet = (from: string, to: string, message: string) =>
      `60000000${(message.length / 2).toString(16).padStart(4, '0')}3aff${from}${to}${message}`;
    const answerTo = (type: string) =>
      packet(host, router, `0100000000000000${packet(router, host, type.padEnd(48, '0'))}`);
    const solicitation = '87';
    sendFrame('86dd', answerTo(solicitation));
    const echo = '80';
    sendFrame('86dd', answerTo(echo));
    await expectReport({
      ...NOTHING,
      strays: 1,
      examples: ['fe80::1 destination-unreachable 0'],
    });
  });

  it('names the kernel’s answer to a message from the server, but no other one', async () => {
    const answer = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('${SERVER_OUTSIDE}', int(sys.argv[1])))
s.sendto(b'x' * 32, ('192.0.2.2', 40000))
`;
    python(server.serverSpace, answer, '11010');
    await expectReport({ ...NOTHING, unreachable: 1 });
    python(server.serverSpace, answer, '53');
    await expectReport({
      ...NOTHING,
      unreachable: 1,
      strays: 1,
      examples: ['192.0.2.1 icmp'],
    });
  });

  it('fails at the end of a test', async () => {
    const other = new WireGuardGoServer();
    const words = [...inSpace(other.clientSpace).slice(1), 'python3', '-c', SEND];
    execFileSync('ip', [...words, `${SERVER_OUTSIDE}:53=00`]);
    await expect(other.close()).rejects.toThrow(
      `1 packets left the client outside the tunnel: ${SERVER_OUTSIDE} udp 53`,
    );
  });
});
