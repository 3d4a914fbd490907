/**
 * Mutated messages to each parser and session that a local client reaches, without sockets: a
 * million of each in `npm run test:release`.
 */
import dnsPacket from 'dns-packet';

import { ControlSession } from '../../../src/app/status/control-session.js';
import { forwardHandlers } from '../../../src/app/status/forward-requests.js';
import { configForwards, forwardFaults } from '../../../src/app/config/config-forwards.js';
import { parseArcConfig } from '../../../src/arc-config/parse-arc-config.js';
import { UserError } from '../../../src/lib/errors/user-error.js';
import { DnsForwarder } from '../../../src/proxy/dns/dns-forwarder.js';
import { type DnsQuery, isResponseTo, withId } from '../../../src/proxy/dns/dns-message.js';
import { parseForward, parsePlace } from '../../../src/proxy/port-forward/forward-spec.js';
import { listenText, placeText } from '../../../src/proxy/port-forward/port-forward.js';
import { UdpAssociations } from '../../../src/proxy/port-forward/udp-associations.js';
import { ForwardCounters } from '../../../src/proxy/port-forward/forward-counters.js';
import { decodeEvent, decodeRequest } from '../../../src/proxy/shared/echo-frames.js';
import { FrameReader, MAX_FRAME } from '../../../src/proxy/shared/frames.js';
import { readEchoRequest, readReply, readRequest } from '../../../src/proxy/shared/requests.js';
import { readRequest as readSocks4 } from '../../../src/proxy/socks4/messages.js';
import {
  readGreeting,
  readPassword,
  readRequest as readSocks5,
} from '../../../src/proxy/socks5/messages.js';
import { readUdpHeader } from '../../../src/proxy/socks5/udp/udp-header.js';
import { UdpRelay } from '../../../src/proxy/socks5/udp/udp-relay.js';
import { SAMPLE } from '../../arc-config/sample.js';
import {
  Host,
  ICMP,
  icmp,
  ICMPV6,
  icmpv6,
  PEER_V4,
  PEER_V6,
  v4,
  v6,
  word,
} from '../../netstack/packets.js';
import { encodeQuery } from '../../proxy/dns/queries.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeSocket } from '../../support/fakes/fake-socket.js';
import { silentLog } from '../../support/fakes/silent-log.js';
import { atLength } from '../../support/runner/tier.js';
import { latin1, mutated, oneOf, randomBelow } from './mutation.js';

const COUNT = atLength({ short: 4_000, long: 1_000_000 });
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

/** Calls `handle` with mutations of the templates, and names the message at which it fails. */
async function fire(
  seed: number,
  templates: readonly (string | Uint8Array)[],
  handle: (bytes: Uint8Array, index: number) => unknown,
): Promise<void> {
  const { stackTraceLimit } = Error;
  // Many messages are refused by an error, and its stack trace doubles the time of a test.
  Error.stackTraceLimit = 0;
  const below = randomBelow(seed);
  const all = templates.map((one) => (typeof one === 'string' ? latin1(one) : one));
  for (let index = 0; index < COUNT; index++) {
    const bytes = mutated(oneOf(all, below), below);
    try {
      const result = handle(bytes, index);
      if (result instanceof Promise) await result;
    } catch (error) {
      Error.stackTraceLimit = stackTraceLimit;
      const hex = Buffer.from(bytes).toString('hex');
      throw new Error(`message ${index} of seed ${seed}, ${hex}: ${String(error)}`, {
        cause: error,
      });
    }
  }
  Error.stackTraceLimit = stackTraceLimit;
}

function assert(isSound: boolean, what: string): void {
  if (!isSound) throw new Error(what);
}

const NAME_REQUEST = '\x05\x01\x00\x03\x08one.test\x00\x50';

describe('SOCKS', () => {
  it.each([
    ['greetings', readGreeting, ['\x05\x02\x00\x02', `\x05\xff${'\x01'.repeat(255)}`]],
    ['passwords', readPassword, ['\x01\x04user\x06secret', `\x01\xff${'u'.repeat(255)}\x01p`]],
    [
      'requests',
      readSocks5,
      [
        NAME_REQUEST,
        `\x05\x03\x00\x04${'\x20'.repeat(16)}\x00\x50`,
        '\x05\x01\x00\x01\x64\x7f\x45\x2a\x00\x50',
      ],
    ],
    [
      'SOCKS4 requests',
      readSocks4,
      [
        '\x04\x01\x00\x50\x64\x7f\x45\x2auser\0',
        '\x04\x01\x00\x50\x00\x00\x00\x01user\0one.test\0',
      ],
    ],
  ] as const)(
    'reads %s that never end beyond their bytes',
    async (_name, read, templates) => {
      let whole = 0;
      await fire(1, templates, (bytes) => {
        const message = read(bytes);
        if (message !== undefined) whole++;
        assert((message?.length ?? 0) <= bytes.length, 'longer than its bytes');
        // Only a message that is shorter than the protocol allows can be incomplete.
        assert(message !== undefined || bytes.length <= 600, 'unlimited');
      });
      expect(whole).toBeGreaterThan(COUNT / 10);
    },
    600_000,
  );

  it('relays or counts each datagram, and holds at most 64', async () => {
    const socket = new FakeSocket();
    let sent = 0;
    const relay = new UdpRelay({
      client: { address: '127.0.0.1', port: 0 },
      socket,
      resolve: () => new Promise(() => undefined),
      now: () => 0,
      onDrop: () => undefined,
    });
    const send = () => {
      sent++;
      return undefined;
    };
    relay.open({ send, close: () => undefined });
    const templates = [
      '\0\0\0\x01\x64\x7f\x45\x2a\x00\x07text',
      '\0\0\0\x03\x08one.test\x00\x07text',
    ];
    await fire(2, templates, (bytes, index) => {
      const header = readUdpHeader(bytes);
      assert(typeof header === 'string' || header.length <= bytes.length, 'longer than its bytes');
      socket.receive({ bytes, endpoint: { address: '127.0.0.1', port: 1 + (index % 2) } });
    });
    expect(sent + relay.drops.total).toBeGreaterThanOrEqual(COUNT - 64);
    expect(sent).toBeGreaterThan(COUNT / 20);
  }, 600_000);
});

describe('DNS', () => {
  const queries = [
    encodeQuery('one.test', 'A', { id: 1 }),
    encodeQuery('uni.soracom.io', 'AAAA', { id: 65_535 }),
    encodeQuery(`${'a'.repeat(63)}.${'b'.repeat(63)}.test`, 'TXT'),
    encodeQuery('1.0.0.10.in-addr.arpa', 'PTR'),
  ];

  it.each(['udp', 'tcp'] as const)(
    'answers or ignores queries over %s',
    async (via) => {
      const clock = new FakeClock();
      let asked = 0;
      const upstream = {
        ask: ({ bytes, id }: DnsQuery) => {
          asked++;
          if (asked % 3 === 0) return Promise.reject(new Error('no tunnel'));
          const response = withId(bytes, id);
          response[2] = response[2]! | 0x80;
          const details = { server: '10.0.0.1', via: 'udp', duration: 1 } as const;
          return Promise.resolve({ kind: 'response' as const, bytes: response, ...details });
        },
      };
      const hosts = new Map([['one.test', ['10.0.0.1', 'fd00::1']]]);
      const forwarder = new DnsForwarder({ upstream, hosts, clock, log: silentLog });
      let answers = 0;
      await fire(3, queries, async (bytes) => {
        const response = await forwarder.answer(bytes, via);
        assert(forwarder.pending === 0 && clock.armed === 0, 'a query is left');
        if (response === undefined) return;
        answers++;
        assert(response.length >= 12 && (response[2]! & 0x80) !== 0, 'not a response');
        assert(response[0] === bytes[0] && response[1] === bytes[1], 'another ID');
        assert(response.length <= 65_535, 'too long');
      });
      expect(answers).toBeGreaterThan(COUNT / 2);
      expect(asked).toBeGreaterThan(COUNT / 10);
    },
    600_000,
  );

  it('accepts only responses that a server could have sent to the query', async () => {
    const bytes = encodeQuery('one.test', 'A', { id: 7 });
    // The type HTTPS, whose number is that of a capital letter (RFC 9460).
    bytes[bytes.length - 3] = 0x41;
    const query = { bytes, questionEnd: bytes.length } as DnsQuery;
    const response = withId(bytes, 9);
    response[2] = response[2]! | 0x80;
    let accepted = 0;
    await fire(4, [response], (mutation) => {
      if (!isResponseTo(mutation, query, 9)) return;
      accepted++;
      // Only the header and the question are checked, so there may be any records.
      const start = Buffer.from(mutation.subarray(0, bytes.length));
      start.fill(0, 6, 12);
      const { questions, id } = dnsPacket.decode(start);
      const [question] = questions ?? [];
      assert(id === 9 && question?.name.toLowerCase() === 'one.test', 'another name');
      assert(question?.class === 'IN', 'another class');
      assert(
        mutation[bytes.length - 4] === 0 && mutation[bytes.length - 3] === 0x41,
        'another type',
      );
    });
    expect(accepted).toBeGreaterThan(COUNT / 10);
  }, 600_000);
});

describe('the control socket', () => {
  it('answers each line with a line of JSON, and keeps at most 4,096 characters', async () => {
    let taken = 0;
    const create = () =>
      new ControlSession(
        {
          status: () => Promise.resolve({ status: {} }),
          ...forwardHandlers(() => undefined),
        },
        {
          dial: (request) => {
            readRequest(request);
            taken++;
          },
          echo: (request) => {
            readEchoRequest(request);
            taken++;
          },
        },
      );
    let session = create();
    const templates = [
      '{"request":"status"}\n',
      '{"request":"forward-add","local":["8080:10.0.0.1:80"],"remote":[1],"allowOpen":true}\n',
      '{"request":"forward-remove","local":["8080"],"remote":{}}\n',
      '{"request":"dial","host":"one.test","port":80,"confirms":true}\n',
      '{"request":"echo","host":"10.0.0.1","family":4}\n',
      '{"request":"__proto__"}\n{"request":"constructor"}\n{"request":"status"}\n',
      `{"request":"${'x'.repeat(2_000)}`,
    ];
    let lines = 0;
    await fire(5, templates, async (bytes) => {
      const answer = await session.handle(text(bytes));
      assert(answer === '' || answer.endsWith('\n'), 'an incomplete line');
      for (const line of answer.split('\n').slice(0, -1)) {
        lines++;
        assert(typeof JSON.parse(line) === 'object', line);
      }
      session.takeOver?.({ destroy: () => undefined });
      if (!session.isOver && session.takeOver === undefined) return;
      session.close();
      session = create();
    });
    expect(lines).toBeGreaterThan(COUNT / 4);
    expect(taken).toBeGreaterThan(COUNT / 50);
  }, 600_000);

  it('splits any bytes into frames, and stores at most one', async () => {
    let frames = 0;
    let payloads = 0;
    const handle = (_type: number, payload: Uint8Array) => {
      frames++;
      assert(payload.length <= MAX_FRAME, 'too long');
      payloads += payload.length;
      decodeRequest(payload);
      decodeEvent(payload);
      readReply(text(payload));
    };
    const readers = [true, false].map(
      (splitsData) => () => new FrameReader(handle, { splitsData }),
    );
    let reader = readers[0]!();
    const templates = [
      '\x01\0\0\x04data\x02\0\0\0',
      '\x04\0\0\x08\0\0\0\0\0\0\0\x07\x03\0\0\x02{}',
      `\x01\0\0\x0f\x01\0\x07\x40\x59\0\0\0\0\0\0\x40data`,
      '\x05\0\0\x12{"reason":"closed"}\x01\0\xff\xff',
    ];
    let bytesRead = 0;
    await fire(6, templates, (bytes, index) => {
      bytesRead += bytes.length;
      if (!reader.read(Buffer.from(bytes)) || index % 50 === 0) reader = readers[index % 2]!();
    });
    expect(frames).toBeGreaterThan(COUNT / 4);
    expect(payloads).toBeLessThanOrEqual(bytesRead);
  }, 600_000);
});

describe('forwards', () => {
  const local = [
    '8080:10.0.0.3:80',
    '[::1]:53:[fd00::1]:53/udp',
    '/run/a.sock:one.test:80',
    '0:a:1',
  ];
  const remote = ['2222:127.0.0.1:22', '5000:6000/udp', '80:/run/a.sock', '0:localhost:1'];

  it.each([
    ['local', local],
    ['remote', remote],
  ] as const)(
    'reads %s forwards, or says what is wrong',
    async (kind, templates) => {
      let valid = 0;
      await fire(7, templates, (bytes) => {
        const written = text(bytes);
        try {
          const forward = parseForward(kind, written);
          valid++;
          const protocol = forward.protocol === 'udp' ? '/udp' : '';
          const again = `${listenText(forward)}:${placeText(forward.target)}${protocol}`;
          assert(JSON.stringify(parseForward(kind, again)) === JSON.stringify(forward), again);
          // The place of a forward is a forward to remove.
          parsePlace(kind, written);
        } catch (error) {
          if (!(error instanceof UserError) || error.kind !== 'usage') throw error;
        }
      });
      expect(valid).toBeGreaterThan(COUNT / 10);
    },
    600_000,
  );

  it('reads the forwards of arc.json, or names each that is wrong', async () => {
    const config = parseArcConfig(SAMPLE, { path: 'arc.json' });
    let faults = 0;
    await fire(8, [...local, ...remote], (bytes) => {
      const list = [text(bytes)];
      const forwards = { local: list, remote: list, unknownKeys: [] };
      const found = forwardFaults({ ...config, forwards }, () => 1);
      faults += found.length;
      if (found.length > 0) return;
      const choice = { mode: 'userspace', 'allow-open': true };
      const arcConfig = { config: { ...config, forwards }, source: 'arc.json' };
      assert(configForwards(arcConfig, choice, silentLog).length === 2, 'a forward is missing');
    });
    expect(faults).toBeGreaterThan(COUNT / 2);
  }, 600_000);

  it('limits the associations of a UDP forward, also with many senders inside the tunnel', async () => {
    const counters = new ForwardCounters('remote');
    let open = 0;
    const associations = new UdpAssociations({
      ...{ counters, log: silentLog, target: '127.0.0.1:1', most: 100 },
      open: ({ onDatagram, onError }) => {
        open++;
        const send = (payload: Uint8Array) => {
          if (payload[0] === 0x7f) onError(new Error('refused'));
          else onDatagram(payload);
          return true;
        };
        return Promise.resolve({ send, close: () => open-- });
      },
    });
    const below = randomBelow(9);
    await fire(9, ['datagram', ''], async (bytes, index) => {
      associations.handle(`10.0.${below(4)}.${below(256)}:${below(4)}`, bytes, () => true);
      if (index % 64 === 0) await Promise.resolve();
      assert(counters.active <= 100 && open <= 100 + 64, `${open} are open`);
    });
    associations.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect([counters.active, open]).toEqual([0, 0]);
    expect(counters.connections).toBeGreaterThan(COUNT / 10);
  }, 600_000);
});

it('survives mutated ICMP messages from inside the tunnel during two pings', async () => {
  const host = new Host({});
  const data = Array.from({ length: 20 }, (_, index) => index);
  let events = 0;
  const [one, two] = [PEER_V4, PEER_V6].map((remote) => {
    const socket = host.stack.openEcho(remote, {
      onReply: ({ payload }) => {
        events++;
        assert(payload.length <= 200, 'longer than any message');
      },
      onError: () => events++,
    });
    socket.send(1, Uint8Array.from(data));
    return socket;
  });
  const requests = host.sends();
  const echo = (socket = one!) => [...word(socket.identifier), 0, 1, ...data];
  const messages = [
    [4, 0, 0, ...echo()],
    [4, 3, 1, 0, 0, 0, 0, ...requests[0]!],
    [4, 11, 0, 0, 0, 0, 0, ...requests[0]!],
    [4, 8, 0, ...echo()],
    [6, 129, 0, ...echo(two)],
    [6, 1, 3, 0, 0, 0, 0, ...requests[1]!],
  ].map((bytes) => Uint8Array.from(bytes));
  await fire(10, messages, ([family, type = 0, code = 0, ...rest], index) => {
    const packet =
      family === 6 ? v6(ICMPV6, icmpv6(type, code, rest)) : v4(ICMP, icmp(type, code, rest));
    host.stack.handlePacket(packet, host.now);
    if (index % 64 === 0) host.after(10).sends();
  });
  expect(events).toBeGreaterThan(COUNT / 10);
}, 600_000);
