import {
  browserVerdict,
  CLOSED_TO_PAGES,
  preflightFields,
} from '../../../src/proxy/http/browser-check.js';

type Fields = Readonly<Record<string, string>>;

const OWN = { host: '127.0.0.1:8888' };
const EVIL = 'https://evil.example';
/** The fields that each browser adds. */
const BROWSER = { 'user-agent': 'Mozilla/5.0 (X11)', 'accept-language': 'en' };

function verdict(headers: Fields, { method = 'POST', url = '/', policy = CLOSED_TO_PAGES } = {}) {
  return browserVerdict({ method, url, headers }, policy);
}

const passed = { kind: 'passed' };
const refused = (reason: string) => ({ kind: 'refused', reason });

describe('the host', () => {
  it.each([
    '127.0.0.1',
    '127.0.0.1:8888',
    '192.168.1.5:8888',
    '[::1]:8888',
    '[fe80::1%eth0]',
    'localhost',
    'LOCALHOST:8888',
    'localhost.:8888',
    'arctun.localhost',
    'uni.soracom.io',
    'Beam.Soracom.IO:80',
    '',
  ])('%j passes', (host) => {
    expect(verdict({ host })).toEqual(passed);
  });

  it('may be missing in HTTP/1.0', () => {
    expect(verdict({})).toEqual(passed);
  });

  it.each([
    'evil.example',
    'evil.example:8888',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'notlocalhost',
    'soracom.io.evil.example',
    'evilsoracom.io',
    'raspberrypi.local',
    'arctun',
    '0x7f000001',
  ])('%s is refused', (host) => {
    expect(verdict({ host })).toMatchObject(refused('foreign-host'));
  });

  it.each([
    'a b',
    'http://127.0.0.1:8888',
    'user@127.0.0.1',
    '[evil.example]',
    '[::1',
    'a:b',
    'a/b',
  ])('%j is not a host, and is answered with 400 (RFC 9112 3.2)', (host) => {
    expect(verdict({ host })).toMatchObject(refused('bad-request'));
  });

  it('passes if the user has allowed it', () => {
    const policy = { hosts: ['arctun'], origins: [] };
    expect(verdict({ host: 'ARCTUN.:8888' }, { policy })).toEqual(passed);
    expect(verdict({ host: 'x.arctun' }, { policy })).toMatchObject(refused('foreign-host'));
  });

  it('is refused with a message that names the flag and its variable', () => {
    expect(verdict({ host: 'arctun:8888' })).toMatchObject({
      message:
        'the host name arctun is not allowed here. To allow it, restart with --allow-host arctun (ARCTUN_ALLOW_HOST)',
    });
  });

  it('is checked even for a same-origin page, as DNS rebinding makes one', () => {
    const host = 'evil.example:8888';
    const own = { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' };
    expect(verdict(own)).toMatchObject(refused('foreign-host'));
  });
});

describe('a program that is not a browser passes', () => {
  it.each<[string, Fields]>([
    ['curl', { 'user-agent': 'curl/8.14', accept: '*/*' }],
    // Node's fetch() sends the mode but not the site.
    ['Node', { 'user-agent': 'node', 'accept-language': '*', 'sec-fetch-mode': 'cors' }],
    ['PowerShell', { 'user-agent': 'Mozilla/5.0 (Windows NT; en-US) WindowsPowerShell/5.1' }],
    ['a device', {}],
    ['a WebSocket client', { upgrade: 'websocket', origin: 'http://127.0.0.1:8888' }],
    ['a client with a Referer that is no address', { referer: 'sensor' }],
  ])('%s', (_, fields) => {
    expect(verdict({ ...OWN, ...fields })).toEqual(passed);
  });
});

describe('a request of the user passes', () => {
  it.each<[string, Fields]>([
    ['the address bar', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }],
    [
      'the address bar after about:blank',
      { referer: 'about:blank', 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' },
    ],
    [
      'a page of the same origin',
      { 'sec-fetch-site': 'same-origin', origin: 'http://127.0.0.1:8888' },
    ],
    ['a page of the same origin, by its Referer', { referer: 'http://127.0.0.1:8888/page' }],
    [
      'a page of the same origin without a Referer',
      { 'sec-fetch-site': 'same-origin', origin: 'null' },
    ],
    ['a page of the same origin in an old browser', { origin: 'http://127.0.0.1:8888' }],
  ])('%s', (_, fields) => {
    expect(verdict({ ...OWN, ...BROWSER, ...fields })).toEqual(passed);
  });
});

describe('a web page is refused', () => {
  it.each<[string, string, Fields]>([
    ['a form', 'POST', { origin: EVIL, 'sec-fetch-site': 'cross-site' }],
    ['a form of an older browser', 'POST', { origin: EVIL }],
    ['a form of a browser without Origin', 'POST', { referer: `${EVIL}/page` }],
    ['a form of a browser that sends neither Origin nor Referer', 'POST', {}],
    ['a form of a sandboxed frame, or after a redirect', 'POST', { origin: 'null' }],
    ['a link', 'GET', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }],
    ['an image', 'GET', { 'sec-fetch-site': 'cross-site', referer: `${EVIL}/` }],
    ['an image without a Referer', 'GET', { 'sec-fetch-site': 'cross-site' }],
    ['an image without a Referer in an old browser', 'GET', {}],
    ['an image of another port', 'GET', { 'sec-fetch-site': 'same-site' }],
    ['a fetch of another port', 'POST', { origin: 'http://127.0.0.1:3000' }],
    ['a fetch of another scheme', 'POST', { origin: 'https://127.0.0.1:8888' }],
    ['a fetch of another name for this host', 'POST', { origin: 'http://localhost:8888' }],
    ['a WebSocket', 'GET', { origin: EVIL, upgrade: 'websocket', connection: 'Upgrade' }],
    ['an EventSource', 'GET', { origin: EVIL, accept: 'text/event-stream' }],
    ['a preflight', 'OPTIONS', { origin: EVIL, 'access-control-request-method': 'PUT' }],
    ['a preflight without an origin', 'OPTIONS', { 'access-control-request-method': 'PUT' }],
    ['an unknown value of Sec-Fetch-Site', 'GET', { 'sec-fetch-site': 'near-by' }],
    [
      'a foreign origin that claims to be the same origin',
      'POST',
      { origin: EVIL, 'sec-fetch-site': 'none' },
    ],
    // Chromium sends `none` for all of these.
    [
      'speculation rules',
      'GET',
      { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate', referer: `${EVIL}/` },
    ],
    [
      'speculation rules without a Referer',
      'GET',
      { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate', 'sec-purpose': 'prefetch' },
    ],
    [
      'a certificate that names this host as its issuer',
      'GET',
      { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'empty' },
    ],
    [
      'a page of the same origin, redirected by another site',
      'GET',
      { referer: 'http://127.0.0.1:8888/', 'sec-fetch-site': 'cross-site' },
    ],
    ['two origins', 'POST', { origin: `http://127.0.0.1:8888, ${EVIL}` }],
    ['an empty origin', 'POST', { origin: '' }],
  ])('%s', (_, method, fields) => {
    const headers = { ...OWN, ...BROWSER, ...fields };
    expect(verdict(headers, { method })).toMatchObject(refused('foreign-origin'));
  });

  it('and so is the icon of a page that claims to be same-origin', () => {
    const icon = { 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'image' };
    const headers = { ...OWN, ...BROWSER, ...icon, referer: 'http://127.0.0.1:8888/' };
    const get = { method: 'GET', url: '/favicon.ico' };
    expect(verdict(headers, get)).toMatchObject(refused('icon'));
    expect(verdict(headers, { ...get, url: '/picture.png' })).toEqual(passed);
    // A program may request any path.
    expect(verdict(OWN, get)).toEqual(passed);
  });

  it('with a message that names the flag and its variable', () => {
    expect(verdict({ ...OWN, origin: EVIL })).toMatchObject({
      message:
        'a web page from https://evil.example is not allowed to send requests here. To allow it, restart with --allow-origin https://evil.example (ARCTUN_ALLOW_ORIGIN)',
    });
    expect(verdict({ ...OWN, origin: 'null' })).toMatchObject({
      message:
        "a web page without a known origin is not allowed to send requests here. To allow it, restart with --allow-origin '*' (ARCTUN_ALLOW_ORIGIN)",
    });
  });

  it('without repeating anything that a terminal or a shell could read as a command', () => {
    const { message } = verdict({ ...OWN, origin: 'http://\x9b2J;$(reboot)' }) as {
      message: string;
    };
    expect(message).not.toMatch(/\x9b|reboot/);
    expect(JSON.stringify(verdict({ host: "a';$(reboot)" }))).not.toContain('reboot');
  });
});

describe('an allowed origin', () => {
  const policy = { hosts: [], origins: ['https://app.example'] };
  const app = { ...OWN, ...BROWSER, origin: 'https://app.example', 'sec-fetch-site': 'cross-site' };

  it('passes, and may read the answer', () => {
    expect(verdict(app, { policy })).toEqual({ kind: 'passed', corsOrigin: 'https://app.example' });
  });

  it('passes because of its Referer if a browser sends no Origin', () => {
    const image = { ...OWN, 'sec-fetch-site': 'cross-site', referer: 'https://app.example/' };
    expect(verdict(image, { policy, method: 'GET' })).toEqual(passed);
  });

  it('has its preflights answered', () => {
    const headers = {
      ...app,
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'content-type,x-device',
    };
    const head = { method: 'OPTIONS', url: '/', headers };
    expect(browserVerdict(head, policy)).toEqual({
      kind: 'preflight',
      corsOrigin: 'https://app.example',
    });
    expect(preflightFields(head, 'https://app.example')).toEqual([
      ...['Access-Control-Allow-Origin', 'https://app.example', 'Vary', 'Origin'],
      ...['Access-Control-Allow-Methods', 'PUT'],
      ...['Access-Control-Allow-Headers', 'content-type,x-device'],
    ]);
  });

  it('does not allow other origins', () => {
    for (const origin of ['https://app.example:444', 'http://app.example', 'null', EVIL]) {
      expect(verdict({ ...app, origin }, { policy })).toMatchObject(refused('foreign-origin'));
    }
  });

  it('is not checked for its host name', () => {
    const rebound = { ...app, host: 'evil.example' };
    expect(verdict(rebound, { policy })).toMatchObject(refused('foreign-host'));
  });
});

it('allows all pages to send if * is configured', () => {
  const policy = { hosts: [], origins: ['*'] };
  expect(verdict({ ...OWN, origin: 'null' }, { policy })).toMatchObject({ corsOrigin: 'null' });
  expect(verdict({ ...OWN, 'sec-fetch-site': 'cross-site' }, { policy })).toEqual(passed);
  expect(verdict({ ...OWN, ...BROWSER }, { policy })).toEqual(passed);
});

it('ignores proxy requests, which browsers send only to the proxy that their user chose', () => {
  const headers = { host: 'evil.example', origin: EVIL, 'sec-fetch-site': 'cross-site' };
  expect(verdict(headers, { url: 'http://uni.soracom.io/' })).toEqual(passed);
  for (const url of ['/http://uni.soracom.io/', '//uni.soracom.io/', '*']) {
    expect(verdict(headers, { url })).toMatchObject(refused('foreign-host'));
  }
});

it('allows reads from a browser without an origin if reading changes nothing', () => {
  const policy = { ...CLOSED_TO_PAGES, areReadsFree: true };
  const headers = { ...OWN, ...BROWSER };
  expect(verdict(headers, { policy, method: 'GET' })).toEqual(passed);
  expect(verdict(headers, { policy, method: 'POST' })).toMatchObject(refused('foreign-origin'));
  const foreign = { ...headers, origin: EVIL };
  expect(verdict(foreign, { policy, method: 'GET' })).toMatchObject(refused('foreign-origin'));
});
