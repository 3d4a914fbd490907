import fc from 'fast-check';

import type { ArcConfigError } from '../../../src/arc-config/arc-config-error.js';
import { effectiveKeepalive, effectiveMtu } from '../../../src/arc-config/arc-config.js';
import { importWgQuickConfig } from '../../../src/arc-config/wg-quick/import-wg-quick-config.js';
import { parseArcConfig } from '../../../src/arc-config/parse-arc-config.js';
import { formatKey } from '../../../src/arc-config/value-syntax.js';
import { formatWgConfig } from '../../../src/arc-config/wg-quick/wg-config.js';
import { PRIVATE_KEY, PUBLIC_KEY, SERVER_KEY, ZERO_KEY } from '../sample.js';
import { WG_QUICK_SAMPLES } from '../wg-quick-samples.js';

const KEYS = {
  privateKey: PRIVATE_KEY,
  serverKey: SERVER_KEY,
  endpoint: 'link.arc.soracom.io:11010',
  address: '10.0.0.2',
};

function importing(text: string, options: { ignoreUnsupported?: boolean; simId?: string } = {}) {
  return importWgQuickConfig(text, {
    path: 'soracom.conf',
    simId: '',
    platform: 'linux',
    ignoreUnsupported: false,
    publicKeyOf: (privateKey) => {
      expect(formatKey(privateKey)).toBe(PRIVATE_KEY);
      return Uint8Array.from(Buffer.from(PUBLIC_KEY, 'base64'));
    },
    ...options,
  });
}

function errorOf(text: string): ArcConfigError {
  try {
    importing(text);
  } catch (error) {
    return error as ArcConfigError;
  }
  throw new Error('no error');
}

const faultsOf = (text: string) =>
  errorOf(text).faults.map(({ line, keyPath, found }) => `${line} ${keyPath}: ${found}`);

/** A minimal file, with an extra line in a section. */
function conf(ours = '', theirs = ''): string {
  return `[Interface]
PrivateKey = ${PRIVATE_KEY}
Address = 10.0.0.2/32
${ours}
[Peer]
PublicKey = ${SERVER_KEY}
Endpoint = h.example:11010
AllowedIPs = 100.127.0.0/16
PersistentKeepalive = 60
${theirs}
`;
}

describe.each(WG_QUICK_SAMPLES)('$name', ({ text, notes }) => {
  const { config, notes: told } = importing(text(KEYS));

  it('yields its keys, endpoint and address', () => {
    expect(formatKey(config.privateKey.expose())).toBe(PRIVATE_KEY);
    expect(formatKey(config.publicKey)).toBe(PUBLIC_KEY);
    expect(formatKey(config.arcSessionStatus!.arcServerPeerPublicKey)).toBe(SERVER_KEY);
    expect(config.arcSessionStatus).toMatchObject({
      arcServerEndpoint: { text: KEYS.endpoint, host: 'link.arc.soracom.io', port: 11010 },
      arcClientPeerIpAddress: '10.0.0.2',
    });
  });

  it('reports what is lost', () => {
    expect(told.map(({ key }) => key)).toEqual(notes);
    const lines = text(KEYS).split(/\r?\n/);
    for (const { line, key } of told) {
      if (key !== 'PersistentKeepalive') expect(lines[line - 1]).toContain(key);
    }
  });
});

describe('the samples contain', () => {
  const modelOf = (start: string) =>
    importing(WG_QUICK_SAMPLES.find(({ name }) => name.startsWith(start))!.text(KEYS)).config;

  it('commands of words, and commands for a shell', () => {
    expect(modelOf('soratun')).toMatchObject({
      postUp: [['/usr/bin/logger', '-t', 'soratun', '%i', 'up']],
      postDown: [['/usr/bin/logger', '-t', 'soratun', '%i', 'down']],
      mtu: 1420,
      persistentKeepalive: 60,
    });
    expect(modelOf('a server').postUp).toEqual([
      [
        '/bin/sh',
        '-c',
        'iptables -A FORWARD -i %i -j ACCEPT; iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE',
      ],
    ]);
    expect(modelOf('wg-quick')).toMatchObject({
      preUp: [['/usr/local/bin/check']],
      preDown: [['/usr/local/bin/farewell']],
    });
    expect(modelOf('wg-quick').postUp).toEqual([
      ['ip', 'rule', 'add', 'from', '10.0.0.2', 'table', '200'],
      ['logger', 'tunnel %i is up'],
      ['/bin/sh', '-c', 'wg set %i peer $(cat /etc/wireguard/peer)'],
    ]);
  });

  it('repeated keys: lists are joined, and the last value of others is used', () => {
    const config = modelOf('one typed');
    expect(config.mtu).toBe(1420);
    expect(config.arcSessionStatus?.arcAllowedIps).toEqual([
      '100.127.0.0/17',
      '100.127.128.0/17',
      '54.250.252.67/32',
    ]);
  });
});

describe('values', () => {
  it.each([
    ['[2001:db8::1]:11010', '[2001:db8::1]:11010', '2001:db8::1'],
    ['2001:db8::1:11010', '[2001:db8::1]:11010', '2001:db8::1'],
    ['192.0.2.1:11010', '192.0.2.1:11010', '192.0.2.1'],
    ['Link.Arc:11010', 'Link.Arc:11010', 'Link.Arc'],
  ])('Endpoint %s', (value, text, host) => {
    const { config } = importing(conf('', `Endpoint = ${value}`));
    expect(config.arcSessionStatus?.arcServerEndpoint).toEqual({ text, host, port: 11010 });
  });

  it.each([
    ['10.0.0.9', '10.0.0.9', 0],
    ['10.0.0.9/24', '10.0.0.9', 1],
    ['fd00::9/64', 'fd00::9', 1],
    ['fd00::9/128', 'fd00::9', 0],
    ['fd00::9, 10.0.0.9/32', '10.0.0.9', 1],
    ['10.0.0.9, 10.0.0.10 10.0.0.11', '10.0.0.9', 2],
  ])('Address %s', (value, address, notes) => {
    const text = conf().replace('10.0.0.2/32', value);
    const { config, notes: told } = importing(text);
    expect(config.arcSessionStatus?.arcClientPeerIpAddress).toBe(address);
    expect(told).toHaveLength(notes);
    for (const { line, key } of told) expect([line, key]).toEqual([3, 'Address']);
  });

  it.each(['Table = auto', 'FwMark = off', 'SaveConfig = false', 'DNS =', 'ListenPort = 0'])(
    '%s is imported without loss',
    (line) => {
      expect(importing(conf(line)).notes).toEqual([]);
    },
  );

  it.each(['DNS = 9.9.9.9', 'ListenPort = 1', 'FwMark = 1', 'Table = 5'])(
    '%s is reported with its line',
    (line) => {
      const [key] = line.split(' ');
      const { notes } = importing(conf(line));
      expect(notes).toEqual([
        { line: 4, key, message: expect.stringMatching(/^dropped: /) as string },
      ]);
    },
  );
});

describe('faults', () => {
  it('include each missing part with the line of its section', () => {
    expect(faultsOf('')).toEqual(['0 : none', '0 : none']);
    expect(faultsOf('\0PNG')).toEqual(['1 : NUL characters']);
    expect(faultsOf('\n[Peer]\n\n[Interface]\n')).toEqual([
      '2 PublicKey: nothing',
      '2 Endpoint: nothing',
      '4 PrivateKey: nothing',
      '4 Address: nothing',
    ]);
  });

  it.each([
    ['MTU = 70000', '4 MTU: "70000"'],
    ['MTU = x', '4 MTU: "x"'],
    ['Address = 10.0.0.2/33', '4 Address: "10.0.0.2/33"'],
    ['Address = 10.0.0.300', '4 Address: "10.0.0.300"'],
    ['PrivateKey = short', '4 PrivateKey: a string of 5 characters'],
    [`PrivateKey = ${ZERO_KEY}`, '4 PrivateKey: a string of 44 characters'],
    ['PostUp = echo "open', '4 PostUp: "echo \\"open"'],
    ['Adress = 10.0.0.2', '4 Adress: an unknown key'],
    ['Jc = 5', '4 Jc: an unknown key'],
  ])('%s', (line, fault) => {
    expect(faultsOf(conf(line))).toEqual([fault]);
  });

  it.each([
    ['AllowedIPs = 10.0.0.0/33', '10 AllowedIPs: "10.0.0.0/33"'],
    ['PersistentKeepalive = 70000', '10 PersistentKeepalive: "70000"'],
    ['PublicKey = x', '10 PublicKey: a string of 1 characters'],
    [`PresharedKey = ${PRIVATE_KEY}`, '10 PresharedKey: a pre-shared key'],
    [`[Peer]\nPublicKey = ${SERVER_KEY}`, '10 : another [Peer]'],
  ])('%s', (line, fault) => {
    expect(faultsOf(conf('', line))).toEqual([fault]);
  });

  it('are one error that lists all in order, explains what to do, and hides keys', () => {
    const error = errorOf(
      conf(`MTU = x\nPrivateKey = ${PRIVATE_KEY}x`, `PresharedKey = ${SERVER_KEY}`),
    );
    expect(error.kind).toBe('configuration');
    expect(error.what).toBe('cannot use soracom.conf');
    expect(error.faults.map(({ line }) => line)).toEqual([4, 5, 11]);
    expect(error.why).toContain('--ignore-unsupported');
    expect(error.next.join()).toContain('Nothing was written');
    expect(error.message).not.toMatch(/IBEi|ICEi/);
  });
});

describe('a wireproxy file', () => {
  const names = ['Socks5', 'http', 'TCPClientTunnel', 'tcpservertunnel', 'UDPProxyTunnel'];
  const sections = names.map((name) => `[${name}]\nBindAddress = 127.0.0.1:25344\nPassword = hush`);
  const text = [conf(), ...sections].join('\n');

  it('is refused without --ignore-unsupported, with a fault for each section', () => {
    const { faults } = errorOf(text);
    expect(faults.map(({ found }) => found)).toEqual(
      ['Socks5', 'http', 'TCPClientTunnel', 'TCPServerTunnel', 'UDPProxyTunnel'].map(
        (name) => `[${name}], a wireproxy section`,
      ),
    );
    expect(faults[0]?.expected).toContain('--ignore-unsupported');
  });
});

describe('a round trip through wg-config', () => {
  const octet = fc.integer({ min: 0, max: 255 });
  const ipv4 = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'));
  const ipv6 = fc.tuple(octet, octet).map(([a, b]) => `fd00:${a.toString(16)}::${b.toString(16)}`);
  const cidr = fc.oneof(
    fc.tuple(ipv4, fc.integer({ min: 0, max: 32 })).map(([ip, length]) => `${ip}/${length}`),
    fc.tuple(ipv6, fc.integer({ min: 0, max: 128 })).map(([ip, length]) => `${ip}/${length}`),
  );
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,9}(\.[a-z]{2,5})?$/);
  const port = fc.integer({ min: 0, max: 65535 });
  const endpoint = fc.oneof(
    fc.tuple(fc.oneof(name, ipv4), port).map(([host, number]) => `${host}:${number}`),
    fc.tuple(ipv6, port).map(([host, number]) => `[${host}]:${number}`),
    name,
    ipv6,
  );
  const word = fc.stringMatching(/^[A-Za-z0-9_%@+=:,./-]{1,8}$/);
  const program = fc.stringMatching(/^\/[a-z/]{1,8}$/);
  const command = fc.tuple(program, fc.array(word, { maxLength: 3 })).map(([a, b]) => [a, ...b]);
  const u16 = fc.integer({ min: 0, max: 65535 });
  const configs = fc.record({
    privateKey: fc.constant(PRIVATE_KEY),
    mtu: u16,
    persistentKeepalive: u16,
    additionalAllowedIPs: fc.array(cidr, { maxLength: 3 }),
    preUp: fc.array(command, { maxLength: 3 }),
    postUp: fc.array(command, { maxLength: 3 }),
    preDown: fc.array(command, { maxLength: 3 }),
    postDown: fc.array(command, { maxLength: 3 }),
    arcSessionStatus: fc.record({
      arcServerPeerPublicKey: fc.constant(SERVER_KEY),
      arcServerEndpoint: endpoint,
      arcAllowedIPs: fc.option(fc.array(cidr, { maxLength: 4 })),
      arcClientPeerIpAddress: fc.oneof(ipv4, ipv6),
    }),
  });

  it('yields the same configuration, for everything that the text can contain', () => {
    fc.assert(
      fc.property(configs, (values) => {
        const before = parseArcConfig(JSON.stringify(values), { path: 'x' });
        const session = before.arcSessionStatus!;
        const { host, port: number } = session.arcServerEndpoint!;
        const text = formatWgConfig(before, { endpointHost: host });
        const { config: after, notes } = importing(text);
        expect(after).toMatchObject({
          mtu: effectiveMtu(before),
          persistentKeepalive: effectiveKeepalive(before),
          preUp: before.preUp,
          postUp: before.postUp,
          preDown: before.preDown,
          postDown: before.postDown,
        });
        expect(after.privateKey.expose()).toEqual(before.privateKey.expose());
        expect(after.arcSessionStatus).toMatchObject({
          arcServerPeerPublicKey: session.arcServerPeerPublicKey,
          arcServerEndpoint: { host, port: number },
          arcAllowedIps: [...(session.arcAllowedIps ?? []), ...before.additionalAllowedIps],
          arcClientPeerIpAddress: session.arcClientPeerIpAddress,
        });
        expect(notes.every(({ key }) => key === 'AllowedIPs')).toBe(true);
        expect(formatWgConfig(after, { endpointHost: host })).toBe(text);
      }),
      { numRuns: 300 },
    );
  });
});
