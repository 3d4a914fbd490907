import { readWgDump } from '../../../src/tunnel/uapi/wg-dump.js';

const PUBLIC = 'HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=';
const PEER = 'xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=';
const PRIVATE = 'yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=';

const row = (...fields: readonly string[]) => `${fields.join('\t')}\n`;

it('reads devices and their peers', () => {
  const text = [
    row('wg0', PRIVATE, PUBLIC, '51820', '0x1f'),
    row(
      'wg0',
      PEER,
      PRIVATE,
      '192.0.2.1:7',
      '10.0.0.0/8,fd00::/64',
      '1764172923',
      '92',
      '148',
      '25',
    ),
    row('wg1', '(none)', '(none)', '0', 'off'),
    row('wg1', PEER, '(none)', '(none)', '(none)', '0', '0', '0', 'off'),
  ].join('');
  const unknown = { roundTrip: undefined, lossIn: undefined };
  const devices = readWgDump(text);
  expect(Object.fromEntries(devices)).toEqual({
    wg0: {
      publicKey: PUBLIC,
      listenPort: 51_820,
      fwmark: 31,
      peers: [
        {
          ...unknown,
          publicKey: PEER,
          endpoint: '192.0.2.1:7',
          allowedIps: ['10.0.0.0/8', 'fd00::/64'],
          latestHandshakeUnix: 1_764_172_923_000,
          receivedBytes: 92,
          sentBytes: 148,
          persistentKeepalive: 25,
        },
      ],
    },
    wg1: {
      publicKey: undefined,
      listenPort: 0,
      fwmark: 0,
      peers: [
        {
          ...unknown,
          publicKey: PEER,
          endpoint: undefined,
          allowedIps: [],
          latestHandshakeUnix: undefined,
          receivedBytes: 0,
          sentBytes: 0,
          persistentKeepalive: 0,
        },
      ],
    },
  });
  expect(JSON.stringify([...devices])).not.toContain(PRIVATE);
});

it('skips lines that are not part of a dump', () => {
  expect(readWgDump('').size).toBe(0);
  expect(readWgDump(`hello\n${row('wg9', PEER, '', '', '', '', '', '', '')}`).size).toBe(0);
});
