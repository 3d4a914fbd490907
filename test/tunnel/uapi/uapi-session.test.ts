import { createNodeCrypto } from '../../../src/crypto/node.js';
import { type UapiHost, UapiSession } from '../../../src/tunnel/uapi/uapi-session.js';
import { Device } from '../../../src/wireguard/device.js';
import { getResponse } from '../../../src/wireguard/uapi/get-response.js';
import { systemError } from '../../support/fakes/memory-network.js';
import { seededBytes, seededEntropy } from '../../support/fakes/seeded-entropy.js';

const crypto = createNodeCrypto();
const hex = (key: Uint8Array) => Buffer.from(key).toString('hex');
const PEER = hex(crypto.publicKey(seededBytes(1, 32)));

class FakeHost implements UapiHost {
  readonly device = new Device({
    privateKey: seededBytes(50, 32),
    crypto,
    entropy: seededEntropy(50),
    wallClock: { unixMilliseconds: () => 0 },
    mtu: 1420,
    sink: { transmit: () => undefined, deliver: () => undefined },
  });
  listenPort = 0;
  fwmark = 0;
  refusal: Error | undefined;
  readonly told: string[] = [];

  async rebind(change: { readonly port?: number; readonly fwmark?: number }): Promise<void> {
    await Promise.resolve();
    if (this.refusal !== undefined) throw this.refusal;
    this.told.push(`rebind ${JSON.stringify(change)}`);
    this.listenPort = change.port ?? this.listenPort;
  }

  async prepareKey(privateKey: Uint8Array): Promise<() => void> {
    await Promise.resolve();
    return () => {
      const isBefore = !this.device
        .privateKey()
        .expose()
        .every((byte, at) => byte === privateKey[at]);
      this.told.push(`key, ${isBefore ? 'before' : 'behind'} the change`);
    };
  }

  moved(): void {
    this.told.push('moved');
  }

  changed(): void {
    this.told.push('changed');
  }

  now(): number {
    return 0;
  }
}

function setUp() {
  const host = new FakeHost();
  const session = new UapiSession(host);
  return { host, ask: (text: string) => session.handle(text) };
}

it('answers get with all fields', async () => {
  const { host, ask } = setUp();
  host.listenPort = 7;
  const lines = getResponse(host.device, { listenPort: 7, fwmark: 0 });
  expect(lines).toHaveLength(2);
  await expect(ask('get=1\n\n')).resolves.toBe(`${lines.join('\n')}\nerrno=0\n\n`);
});

it('answers only complete requests, in order', async () => {
  const { ask } = setUp();
  await expect(ask('set=1\n')).resolves.toBe('');
  await expect(ask('\nset=1\n\n')).resolves.toBe('errno=0\n\nerrno=0\n\n');
});

it('changes the device and the socket, and reports it', async () => {
  const { host, ask } = setUp();
  await ask(`set=1\npublic_key=${PEER}\n\n`);
  const change = `set=1\nlisten_port=7\nfwmark=9\npublic_key=${PEER}\nendpoint=192.0.2.1:7\n\n`;
  await expect(ask(change)).resolves.toBe('errno=0\n\n');
  expect(host.told).toEqual(['changed', 'rebind {"port":7,"fwmark":9}', 'moved', 'changed']);
  const [peer] = host.device.peers;
  expect(peer!.endpoint).toEqual({ address: '192.0.2.1', port: 7 });
});

it('prepares for a new key before it is set', async () => {
  const { host, ask } = setUp();
  await expect(ask(`set=1\nprivate_key=${hex(seededBytes(51, 32))}\n\n`)).resolves.toBe(
    'errno=0\n\n',
  );
  expect(host.told).toEqual(['key, before the change', 'changed']);
  expect(host.device.privateKey().expose()).toEqual(seededBytes(51, 32));
});

it('does not touch the socket if the request does not mention it', async () => {
  const { host, ask } = setUp();
  await ask('set=1\nfwmark=0\n\nset=1\nlisten_port=0\n\nset=1\n\n');
  expect(host.told).toEqual([
    'rebind {"fwmark":0}',
    'changed',
    'rebind {"port":0}',
    'changed',
    'changed',
  ]);
});

it.each([
  ['EADDRINUSE', -98],
  ['EPERM', -1],
  ['ENOTSUP', -5],
])('changes nothing if the system reports %s', async (code, errno) => {
  const { host, ask } = setUp();
  host.refusal = systemError('bind', code);
  const answer = await ask(`set=1\nlisten_port=7\npublic_key=${PEER}\n\n`);
  expect(answer).toBe(`errno=${errno}\n\n`);
  expect([...host.device.peers]).toEqual([]);
  expect(host.told).toEqual([]);
});

it('refuses unknown fields', async () => {
  const { ask } = setUp();
  await expect(ask('hello\n\n')).resolves.toBe('errno=-22\n\n');
});
