import { createNodeCrypto } from '../../../src/crypto/node.js';
import { askDevice } from '../../../src/tunnel/uapi/ask-device.js';
import { FakeConnections } from '../../support/fakes/fake-connections.js';
import { seededBytes } from '../../support/fakes/seeded-entropy.js';

const crypto = createNodeCrypto();
const publicKeyOf = (key: Uint8Array) => crypto.publicKey(key);
const PATH = '/var/run/wireguard/wg0.sock';
const hex = (key: Uint8Array) => Buffer.from(key).toString('hex');
const base64 = (key: Uint8Array) => Buffer.from(key).toString('base64');
const PEER = publicKeyOf(seededBytes(1, 32));

function ask(answer: string) {
  const connections = new FakeConnections();
  connections.sockets.set(PATH, answer);
  const status = askDevice(PATH, connections, publicKeyOf);
  return { connections, status };
}

it('queries the device, and derives the public key', async () => {
  const { connections, status } = ask(
    `private_key=${hex(seededBytes(50, 32))}\nlisten_port=7\nfwmark=9\npublic_key=${hex(PEER)}\nerrno=0\n\n`,
  );
  await expect(status).resolves.toEqual({
    publicKey: base64(publicKeyOf(seededBytes(50, 32))),
    listenPort: 7,
    fwmark: 9,
    peers: [
      {
        publicKey: base64(PEER),
        endpoint: undefined,
        allowedIps: [],
        persistentKeepalive: 0,
        latestHandshakeUnix: undefined,
        sentBytes: 0,
        receivedBytes: 0,
        roundTrip: undefined,
        lossIn: undefined,
      },
    ],
  });
  expect(connections.asked).toEqual([[PATH, 'get=1\n\n']]);
});

it('has no public key without a private one', async () => {
  await expect(ask('errno=0\n\n').status).resolves.toMatchObject({ publicKey: undefined });
});

it('fails if the answer is not a UAPI response', async () => {
  await expect(ask('hello\n\n').status).rejects.toThrow(
    "the response is not in WireGuard's format",
  );
});
