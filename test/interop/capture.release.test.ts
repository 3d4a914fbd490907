/**
 * What tshark, an independent decoder, reads in `up --capture`, and in the packets on the wire with
 * our keys.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type PcapngBlock, readBlocks, readPcapng } from '../support/foreign/pcapng-reader.js';
import { ARCTUN, Processes } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import { inSpace, LISTEN_PORT, WireGuardGoServer } from '../support/foreign/wireguard-go-server.js';

const PEERS = ['root', 'wireguard-go', 'wg', 'ip', 'nft', 'curl', 'ethtool', 'tshark'] as const;
const LENGTH = 300_000;
/** The types of blocks. */
const PACKET = 6;
const SECRETS = 10;

/** Everything that a decoder could complain about. */
const COMPLAINTS = [
  '_ws.malformed',
  '_ws.unreassembled',
  '_ws.expert.group == "Malformed"',
  '_ws.expert.severity == "Error"',
  'wg.bad_packet_length',
  'wg.decryption_error',
  'ip.checksum.status == "Bad"',
  'udp.checksum.status == "Bad"',
  'tcp.checksum.status == "Bad"',
].join(' || ');
const CHECKSUMS = ['ip', 'udp', 'tcp'].flatMap((name) => ['-o', `${name}.check_checksum:TRUE`]);

/** The fields of each frame that matches `filter`. */
function tshark(file: string, filter: string, fields: string[], ...options: string[]): string[][] {
  const output = execFileSync(
    'tshark',
    [
      ...['-r', file, '-Y', filter, ...CHECKSUMS, ...options, '-T', 'fields'],
      ...fields.flatMap((field) => ['-e', field]),
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
}

/** Of a file that is still being written. */
function packetsIn(file: string): number {
  try {
    return readBlocks(readFileSync(file)).filter(({ type }) => type === PACKET).length;
  } catch {
    return 0;
  }
}

function blocksOf(bytes: Buffer, isKept: (block: PcapngBlock) => boolean): Buffer {
  let offset = 0;
  const kept: Buffer[] = [];
  for (const block of readBlocks(bytes)) {
    const end = offset + block.body.length + 12;
    if (isKept(block)) kept.push(bytes.subarray(offset, end));
    offset = end;
  }
  return Buffer.concat(kept);
}

function outsideOf(bytes: Buffer): Buffer {
  return blocksOf(bytes, ({ type, body }) => type !== PACKET || body.readUInt32LE(0) === 0);
}

describeWith(PEERS, 'a capture of a session with wireguard-go', () => {
  let server: WireGuardGoServer;
  let capture: string;
  let wire: string;
  let keyLog: string;
  let outsideOnly: string;
  let stderr: string;
  let clientKey: string;
  let serverKey: string;

  beforeAll(async () => {
    server = new WireGuardGoServer();
    await server.startWireGuard();
    await server.startHttp();
    capture = join(server.folder, 'tunnel.pcapng');
    wire = join(server.folder, 'wire.pcapng');
    keyLog = join(server.folder, 'keys');
    outsideOnly = join(server.folder, 'outside.pcapng');

    const sniffer = server.processes.start([
      ...inSpace(server.serverSpace),
      ...['tshark', '-i', 'any', '-f', `udp port ${LISTEN_PORT}`, '-w', wire],
    ]);
    await sniffer.output(/Capturing on/, 'stderr');
    const { process, url } = await server.up('--capture', capture);
    const get = await server.curl('-f', '-o', '/dev/null', `${url}/bytes/${LENGTH}`).finished;
    expect(get.code).toBe(0);
    const post = await server.curl('-f', '-d', 'x'.repeat(5000), `${url}/`).finished;
    expect(post.code).toBe(0);
    process.kill('SIGTERM');
    const ended = await process.finished;
    expect(ended.code).toBe(0);
    stderr = ended.stderr;
    const captured = readPcapng(readFileSync(capture));
    const datagrams = captured.packets.filter(({ interfaceId }) => interfaceId === 0).length;
    for (let wait = 0; wait < 400 && packetsIn(wire) < datagrams; wait++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    sniffer.kill('SIGINT');
    await sniffer.finished;

    writeFileSync(keyLog, captured.keyLog, { mode: 0o600 });
    writeFileSync(outsideOnly, outsideOf(readFileSync(capture)));
    const config = JSON.parse(readFileSync(server.configPath, 'utf8')) as {
      publicKey: string;
      arcSessionStatus: { arcServerPeerPublicKey: string };
    };
    clientKey = config.publicKey;
    serverKey = config.arcSessionStatus.arcServerPeerPublicKey;
  }, 120_000);
  afterAll(() => server.close());

  it('is complete, and so is its metadata', () => {
    const { interfaces, packets, statistics } = readPcapng(readFileSync(capture));
    expect(interfaces).toEqual(['outside', 'inside']);
    const of = (interfaceId: number) => packets.filter((one) => one.interfaceId === interfaceId);
    expect(statistics).toEqual([
      [of(0).length, 0],
      [of(1).length, 0],
    ]);
    expect(tshark(capture, 'frame', ['frame.number'])).toHaveLength(packets.length);
    expect(stderr).toContain(`"packets":${packets.length},"msg":"capture closed"`);
    expect(packets.map((one) => one.microseconds)).toEqual(
      packets.map((one) => one.microseconds).sort((left, right) => left - right),
    );
  });

  const sides = [
    ['our capture, with the keys', () => capture, () => []],
    // If tshark also decrypts the tunnel, it prints each packet twice.
    ['our capture without the inner packets', () => outsideOnly, () => []],
    [
      'a capture of the wire, with our keys added',
      () => wire,
      () => ['-o', `wg.keylog_file:${keyLog}`],
    ],
  ] as const;

  describe.each(sides)('%s', (_, file, options) => {
    it('causes no complaints from tshark', () => {
      expect(tshark(file(), COMPLAINTS, ['frame.number'], ...options())).toEqual([]);
    });

    it('has one handshake with correct macs, which tshark can decrypt', () => {
      const fields = ['wg.type', 'wg.receiver_pubkey', 'wg.handshake_ok', 'wg.static'];
      const handshake = tshark(file(), 'wg.type != 4', fields, ...options());
      expect(handshake).toEqual([
        // Found by mac1, which is computed with the receiver's public key.
        ['1', serverKey, '', clientKey],
        ['2', clientKey, 'True', ''],
      ]);
      const stamps = tshark(file(), 'wg.type == 1', ['wg.timestamp.value'], ...options());
      expect(stamps[0]![0]).not.toBe('');
    });

    it('shows the requests and the answers of the tunnel', () => {
      const fields = ['http.request.method', 'http.response.code', 'http.request.uri'];
      expect(tshark(file(), 'http', fields, ...options())).toEqual([
        ['GET', '', `/bytes/${LENGTH}`],
        ['', '200', `/bytes/${LENGTH}`],
        ['POST', '', '/'],
        ['', '201', '/'],
      ]);
    });

    it('contains only data messages that tshark can decrypt', () => {
      const data = tshark(file(), 'wg.type == 4', ['frame.number'], ...options());
      const open = tshark(
        file(),
        'wg.type == 4 && (wg.keepalive || tcp)',
        ['frame.number'],
        ...options(),
      );
      expect(data.length).toBeGreaterThan(LENGTH / 1420);
      expect(open).toEqual(data);
    });
  });

  it('contains the outer packets byte for byte, in both directions', () => {
    for (const port of ['udp.srcport', 'udp.dstport']) {
      const [ours, theirs] = [capture, wire].map((file) =>
        tshark(file, `wg && ${port} == ${LISTEN_PORT}`, ['udp.payload']),
      );
      expect(ours!.length).toBeGreaterThan(10);
      expect(ours).toEqual(theirs);
    }
  });

  it('contains an inner packet for each outer one, in both directions', () => {
    const fields = ['tcp.srcport', 'tcp.seq_raw', 'tcp.ack_raw', 'tcp.len', 'tcp.flags'];
    for (const direction of [1, 2]) {
      const [outside, inside] = ['outside', 'inside'].map((name) => {
        const filter = `tcp && frame.interface_name == "${name}" && frame.packet_flags_direction == ${direction}`;
        return tshark(capture, filter, fields);
      });
      expect(inside!.length).toBeGreaterThan(10);
      expect(outside).toEqual(inside);
    }
  });

  it('does not show the inner packets without the keys (control)', () => {
    const without = join(server.folder, 'without.pcapng');
    writeFileSync(
      without,
      blocksOf(readFileSync(capture), ({ type }) => type !== SECRETS),
    );
    expect(tshark(without, 'wg && tcp', ['frame.number'])).toEqual([]);
    expect(tshark(wire, 'wg && tcp', ['frame.number'])).toEqual([]);
    expect(tshark(without, 'wg.type == 4', ['frame.number']).length).toBeGreaterThan(0);
  });

  it('shows a wrong mac1 (control)', () => {
    const broken = join(server.folder, 'broken.pcapng');
    const bytes = readFileSync(capture);
    const first = readPcapng(bytes).packets[0]!;
    // IPv4 and UDP, and then everything in the initiation that mac1 covers.
    const mac1 = bytes.indexOf(first.bytes) + 28 + 116;
    bytes[mac1]! ^= 1;
    writeFileSync(broken, bytes);
    const fields = ['wg.receiver_pubkey', 'udp.checksum.status'];
    expect(tshark(broken, 'wg.type == 1', fields)).toEqual([['', '0']]);
    expect(tshark(broken, COMPLAINTS, ['frame.number'])).toEqual([['1']]);
  });
});

describeWith(['tshark'], 'a capture over IPv6', () => {
  const processes = new Processes();
  const folder = mkdtempSync(join(tmpdir(), 'arctun-capture-'));
  const env: NodeJS.ProcessEnv = {};
  afterAll(async () => {
    await processes.close();
    rmSync(folder, { recursive: true });
  });

  it('has correct headers according to tshark', async () => {
    const arctun = (...parameters: string[]) =>
      processes.start([process.execPath, ARCTUN, ...parameters], { cwd: folder, env });
    const listen = ['--api-listen', '127.0.0.1:0', '--arc-listen', '[::1]:0'];
    const emulator = arctun('emulator', ...listen, '--json');
    const ready = JSON.parse((await emulator.output(/^\{.*\}$/m))[0]) as Record<string, string>;
    env.ARCTUN_ENDPOINT = ready.api;
    env.ARCTUN_AUTH_KEY_ID = ready.authKeyId;
    env.ARCTUN_AUTH_KEY = ready.authKey;
    expect((await arctun('bootstrap', 'authkey').finished).code).toBe(0);
    const capture = join(folder, 'tunnel.pcapng');
    const up = arctun('up', '--json', '--forward-listen', '127.0.0.1:0', '--capture', capture);
    const [, url] = await up.output(/"forward":"(http:[^"]+)"/);
    await fetch(url!, { method: 'POST', body: 'hello' });
    up.kill('SIGTERM');
    expect((await up.finished).code).toBe(0);

    expect(tshark(capture, COMPLAINTS, ['frame.number'])).toEqual([]);
    const outside = tshark(capture, 'wg && ipv6', ['udp.checksum.status', 'ipv6.dst']);
    expect(outside.length).toBeGreaterThan(4);
    expect(new Set(outside.map(([status]) => status!.split(',')[0]))).toEqual(new Set(['1']));
    expect(tshark(capture, 'wg && http.response', ['http.response.code'])).toEqual([['201']]);
  }, 60_000);
});
