/** A mixed port whose clients choose a SIM by user name. */
import { Secret } from '../../../src/lib/secrets/secret.js';
import type { HttpListener } from '../../../src/proxy/http/listener.js';
import { startMixedPort } from '../../../src/proxy/mixed/mixed-port.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';
import { until } from '../../support/until.js';
import { inFastTime } from '../support/fast-time.js';
import { Cleanup, failing, Forwarding } from '../support/forwarding.js';
import { twoSims, type TwoSims } from '../support/two-sims.js';
import { rawClient, type Wire } from '../support/wire.js';

const cleanup = new Cleanup();
let forwarding: Forwarding;
let sims: TwoSims;
let port: HttpListener;
let log: RecordingLog;
afterEach(() => cleanup.run());

async function open({ host = '127.0.0.1', password = '' } = {}): Promise<Wire> {
  forwarding = new Forwarding(cleanup);
  sims = await twoSims(forwarding);
  log = new RecordingLog();
  port = await startMixedPort({
    listen: { host, port: 0 },
    dialer: failing('closed'),
    choice: sims,
    log,
    ...(password !== '' && { password: new Secret(new Uint8Array(Buffer.from(password))) }),
  });
  cleanup.add(() => port.close({ graceMs: 0 }));
  const client = rawClient(port.url.replace('0.0.0.0', '127.0.0.1'));
  cleanup.add(() => void client.socket.destroy());
  return client;
}

const basic = (user: string, password = '') =>
  `Proxy-Authorization: Basic ${Buffer.from(`${user}:${password}`).toString('base64')}\r\n`;
const get = (field = '') => `GET http://one.test/ HTTP/1.1\r\nHost: one.test\r\n${field}\r\n`;
const connect = (field = '') => `CONNECT one.test:80 HTTP/1.1\r\nHost: one.test\r\n${field}\r\n`;
const text = (value: string) => `${String.fromCharCode(value.length)}${value}`;
const login = (user: string, password = '') => `\x05\x01\x02\x01${text(user)}${text(password)}`;
const TO_IPV4 = '\x05\x01\x00\x01\x64\x7f\x45\x2a\x00\x50';
const socks4 = (user: string) => `\x04\x01\x00\x50\x64\x7f\x45\x2a${user}\0`;
const INNER = 'GET / HTTP/1.1\r\nHost: one.test\r\n\r\n';

/** The numbers of connections to the servers of `a` and `b`. */
const dialled = () => [sims.servers.a.wires.length, sims.servers.b.wires.length];

describe('the user name selects the SIM', () => {
  it('of a request, and is not forwarded', async () => {
    const client = await open();
    client.send(get(basic('b')));
    await client.until('ok');
    expect(dialled()).toEqual([0, 1]);
    expect(sims.servers.b.wires[0]!.received).not.toContain('Authorization');
  });

  it('of CONNECT', async () => {
    const client = await open();
    client.send(connect(basic('a', 'ignored')));
    await client.until('Connected\r\n\r\n');
    client.send(INNER);
    await client.until('ok');
    expect(dialled()).toEqual([1, 0]);
  });

  it.each([
    ['SOCKS5 without a password', login('b') + TO_IPV4],
    ['SOCKS5 with any password', login('b', 'any') + TO_IPV4],
    ['SOCKS4', socks4('b')],
  ])('of %s', async (_name, handshake) => {
    const client = await open();
    client.send(handshake + INNER);
    await client.until('ok');
    expect(dialled()).toEqual([0, 1]);
  });

  it('if the password is right', async () => {
    const client = await open({ password: 'secret' });
    client.send(login('a', 'secret') + TO_IPV4 + INNER);
    await client.until('ok');
    expect(dialled()).toEqual([1, 0]);
  });
});

describe('the log names the SIM', () => {
  const namesIn = (message: string) =>
    log.lines.filter((line) => line.message.startsWith(message)).map(({ fields }) => fields.sim);

  it('of a request', async () => {
    const client = await open();
    client.send(get(basic('b')));
    await client.until('ok');
    expect(namesIn('request')).toEqual(['b']);
  });

  it.each([
    ['CONNECT', connect(basic('a')) + INNER],
    ['SOCKS5', login('a') + TO_IPV4 + INNER],
    ['SOCKS4', socks4('a') + INNER],
  ])('of %s', async (_name, sent) => {
    const client = await open();
    client.send(sent);
    await client.until('ok');
    client.socket.destroy();
    sims.servers.a.wires[0]!.socket.destroy();
    await until(() => namesIn('connection closed').length > 0);
    expect(namesIn('connection closed')).toEqual(['a']);
  });
});

describe('refuses', () => {
  it('a request without a user name, with a challenge', async () => {
    const client = await open();
    client.send(get());
    const answer = await client.until('}}');
    expect(answer).toContain('HTTP/1.1 407 ');
    expect(answer).toContain('Proxy-Authenticate: Basic ');
    expect(answer).toContain('the names are a, b');
  });

  it.each([
    ['a request', get(basic('c'))],
    ['CONNECT', connect(basic('c'))],
  ])('an unknown name, and lists the names: %s', async (_name, sent) => {
    const client = await open();
    client.send(sent);
    const answer = await inFastTime(() => client.until('}}'));
    expect(answer).toContain('HTTP/1.1 407 ');
    expect(answer).toContain('"reason":"unknown-user"');
    expect(answer).toContain('the names are a, b');
    expect(dialled()).toEqual([0, 0]);
  });

  it.each([
    ['SOCKS5', login('c') + TO_IPV4, '\x05\x02\x01\x01'],
    ['an empty name in SOCKS5', login('') + TO_IPV4, '\x05\x02\x01\x01'],
    ['SOCKS5 without a user name', `\x05\x01\x00${TO_IPV4}`, '\x05\xff'],
    ['SOCKS4', socks4('c'), `\0\x5b${'\0'.repeat(6)}`],
    ['SOCKS4 without a user ID', socks4(''), `\0\x5b${'\0'.repeat(6)}`],
  ])('an unknown name: %s', async (_name, sent, answer) => {
    const client = await open();
    client.send(sent);
    expect(await inFastTime(() => client.ended())).toBe('fin');
    expect(client.received).toBe(answer);
    expect(dialled()).toEqual([0, 0]);
  });

  it('a wrong password in the same way for every name', async () => {
    const first = await open({ password: 'secret' });
    first.send(get(basic('a', 'wrong')));
    const known = await inFastTime(() => first.until('}}'));
    const second = forwarding.client(port);
    second.send(get(basic('c', 'wrong')));
    const unknown = await inFastTime(() => second.until('}}'));
    expect(unknown.replace(/Date:.*/, '')).toBe(known.replace(/Date:.*/, ''));
    expect(known).not.toContain('the names are');
    expect(dialled()).toEqual([0, 0]);
  });
});

describe('lists the names', () => {
  it('to a client of another machine only after the right password', async () => {
    const client = await open({ host: '0.0.0.0', password: 'secret' });
    client.send(get());
    expect(await client.until('}}')).not.toContain('the names are');
    client.send(get(basic('c', 'secret')));
    const answer = await inFastTime(() => client.until(/\}\}.*\}\}/s));
    expect(answer).toContain('the names are a, b');
  });

  it('to no client of another machine without a password', async () => {
    const client = await open({ host: '0.0.0.0' });
    client.send(get(basic('c')));
    const answer = await inFastTime(() => client.until('}}'));
    expect(answer).toContain('"reason":"unknown-user"');
    expect(answer).not.toContain('the names are');
  });
});
