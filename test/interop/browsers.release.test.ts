/**
 * What web pages can send through the forwarder, with real browsers. One session of each visits
 * four pages in turn: a typed address, a rebound name, an allowed origin, foreign origins.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, createServer as createTcpServer, type Server as TcpServer } from 'node:net';

import { Browser, BROWSERS, type BrowserName } from '../support/foreign/browser.js';
import { describeWith } from '../support/runner/requirements.js';
import { Cleanup, Forwarding, localDialer } from '../proxy/support/forwarding.js';
import { listen } from '../proxy/support/scripted-server.js';

/** A name that an attacker owns, and whose address changes to 127.0.0.1. */
const REBOUND = 'rebound.example';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

describeWith(BROWSERS, 'web pages', () => {
  it.each(BROWSERS)(
    'from foreign origins cannot send anything from %s',
    async (name) => {
      const visit = await visitPages(name);
      // The address bar, and the page loaded from it.
      expect(visit.atGuarded).toEqual(['GET /typed', 'POST /own']);
      expect(visit.reports.get('rebound')).toMatchObject({ get: 421, json: 421 });
      // Each attempt has reached the forwarder, and was refused there; Firefox makes one of them
      // twice.
      expect(visit.refused).toBeGreaterThanOrEqual(REFUSED);
      expect(visit.reports.get('own')).toMatchObject({ own: 'answered' });
      // The same attempts work from an allowed origin.
      expect(visit.atOpen.filter((line) => !AHEAD.test(line))).toEqual(REACHED_IF_ALLOWED);
      // Requests that a browser prefetches; Firefox does not support speculation rules.
      expect(visit.atOpen).toContain(name === 'chromium' ? 'GET /prefetch' : 'GET /link');
      expect(visit.reports.get('allowed')).toMatchObject({ json: 'answered' });
    },
    120_000,
  );
});

/** The attempts of each page; the name of each is its path. `sandboxed` has the origin null. */
const ATTEMPTS = [
  'beacon',
  'events',
  'form',
  'image',
  'json',
  'no-referrer',
  'sandboxed',
  'script',
  'socket',
  'text',
];

/** From two foreign origins, and the form that navigates the whole page. */
const REFUSED = 2 * ATTEMPTS.length + 1;

const REACHED_IF_ALLOWED = [
  'GET /events',
  'GET /image',
  'GET /script',
  'GET /socket',
  'POST /beacon',
  'POST /form',
  'POST /json',
  'POST /text',
];

const AHEAD = /\/(?:link|prefetch|prerender)$/;

interface Visit {
  /** The requests that arrived through a forwarder without --allow-origin. */
  readonly atGuarded: readonly string[];
  readonly refused: number;
  /** The requests that arrived through a forwarder with it. */
  readonly atOpen: readonly string[];
  readonly reports: ReadonlyMap<string, object>;
}

async function visitPages(name: BrowserName): Promise<Visit> {
  const forwarding = new Forwarding(cleanup);
  const allowed = new Forwarding(cleanup);
  // Repeated warnings are summed up in one line.
  const refused = () =>
    forwarding.lines
      .filter(({ fields }) => 'status' in fields && fields.status === 403)
      .reduce((sum, { fields }) => sum + ('repeated' in fields ? Number(fields.repeated) : 1), 0);
  const pages = new Pages();
  const pagePort = await open(pages.server);
  const foreign = `http://localhost:${pagePort}`;
  const guarded = await startTarget((request) =>
    ownPage(request, `http://${REBOUND}:${relayPort()}/rebound`, foreign),
  );
  const opened = await startTarget(() => 'answered');
  const guard = await forwarding.start(localDialer(guarded.port));
  const allowing = await allowed.start(localDialer(opened.port), {
    browsers: { hosts: [], origins: [foreign] },
  });
  const relay = new Relay(pagePort);
  const rebound = await open(relay.server);
  const relayPort = () => rebound;
  pages.texts = {
    '/rebound': () => reboundPage(foreign, `${foreign}/allowed`),
    '/flip': () => {
      relay.upstream = portOf(guard.url);
      return 'flipped';
    },
    '/allowed': () => attemptPage('allowed', allowing.url, `http://127.0.0.1:${pagePort}/port`),
    '/port': () => attemptPage('port', guard.url, `${foreign}/site`),
    // The last step is a form that navigates the whole page.
    '/site': () => attemptPage('site', guard.url, undefined),
  };
  const browser = new Browser(name, `${guard.url}/typed`, REBOUND);
  cleanup.add(() => browser.close());
  await pages.reported('site');
  while (refused() < REFUSED) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    atGuarded: guarded.seen(),
    refused: refused(),
    atOpen: opened.seen().sort(),
    reports: pages.reports,
  };
}

/** The target's own page: it may send to its origin. */
function ownPage({ method }: IncomingMessage, next: string, foreign: string): string {
  if (method === 'POST') return 'answered';
  return html(foreign, 'own', [
    `const json = { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } };`,
    `outcomes.own = await fetch('/own', json).then((answer) => answer.text());`,
    `await report();`,
    `location = ${JSON.stringify(next)};`,
  ]);
}

/** A page whose name resolves to the forwarder after it is loaded. */
function reboundPage(foreign: string, next: string): string {
  return html(foreign, 'rebound', [
    `await fetch('/flip');`,
    // A connection that the browser has opened early still leads to the pages.
    `const rebound = async (path, init) => {`,
    `  let answer;`,
    `  do answer = await fetch(path, init); while (answer.headers.has('x-pages'));`,
    `  return answer.status;`,
    `};`,
    `const json = { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } };`,
    `outcomes.get = await rebound('/get');`,
    `outcomes.json = await rebound('/json', json);`,
    `await report();`,
    `location = ${JSON.stringify(next)};`,
  ]);
}

/** A page that makes all attempts; without a next page, the last one is a form. */
function attemptPage(name: string, url: string, next: string | undefined): string {
  return html('', name, [
    `const url = ${JSON.stringify(url)};`,
    `const settled = (start, ...events) => new Promise((resolve) => {`,
    `  const source = start();`,
    `  for (const event of events) source.addEventListener(event, () => resolve(event));`,
    `});`,
    `const element = (tag, fields) => () => document.body.appendChild(Object.assign(document.createElement(tag), fields));`,
    `const form = (path, target) => {`,
    `  const made = element('form', { method: 'post', enctype: 'text/plain', action: url + path, target })();`,
    `  made.appendChild(Object.assign(document.createElement('input'), { name: '{"temperature": 99, "x": "', value: '"}' }));`,
    `  made.submit();`,
    `};`,
    `const text = { method: 'POST', mode: 'no-cors', headers: { 'Content-Type': 'text/plain' }, body: '{}' };`,
    `const json = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' };`,
    `const read = (answer) => answer.text();`,
    // Only Chromium supports them. They are fetched while the rest continues.
    `const rules = { prefetch: [{ source: 'list', urls: [url + '/prefetch'] }], prerender: [{ source: 'list', urls: [url + '/prerender'] }] };`,
    `element('script', { type: 'speculationrules', textContent: JSON.stringify(rules) })();`,
    `element('link', { rel: 'prefetch', href: url + '/link' })();`,
    `outcomes.beacon = navigator.sendBeacon(url + '/beacon', '{}');`,
    `outcomes.text = await fetch(url + '/text', text).then(read, String);`,
    `outcomes.json = await fetch(url + '/json', json).then(read, String);`,
    `outcomes.image = await settled(element('img', { src: url + '/image' }), 'load', 'error');`,
    `outcomes.quiet = await settled(element('img', { referrerPolicy: 'no-referrer', src: url + '/no-referrer' }), 'load', 'error');`,
    `outcomes.script = await settled(element('script', { src: url + '/script' }), 'load', 'error');`,
    `outcomes.socket = await settled(() => new WebSocket(url.replace('http', 'ws') + '/socket'), 'open', 'error');`,
    `const events = new EventSource(url + '/events');`,
    `outcomes.events = await settled(() => events, 'open', 'error');`,
    `events.close();`,
    `const frame = element('iframe', { name: 'frame' })();`,
    `outcomes.form = await settled(() => (form('/form', 'frame'), frame), 'load');`,
    `outcomes.sandboxed = await sandboxed();`,
    `await report();`,
    next === undefined ? `form('/top', '_self');` : `location = ${JSON.stringify(next)};`,
    // It has the origin null.
    `function sandboxed() {`,
    `  const inner = '<form method="post" action="' + url + '/sandboxed"></form><script>onload = () => document.forms[0].submit()</' + 'script>';`,
    `  return new Promise((resolve) => {`,
    `    const box = element('iframe', { sandbox: 'allow-forms allow-scripts', srcdoc: inner })();`,
    `    let loads = 0;`,
    `    box.addEventListener('load', () => { if (++loads === 2) resolve('load'); });`,
    `  });`,
    `}`,
  ]);
}

function html(reportTo: string, name: string, lines: readonly string[]): string {
  return [
    '<!doctype html><link rel="icon" href="data:,"><body><script type="module">',
    'const outcomes = {};',
    `const report = () => fetch(${JSON.stringify(`${reportTo}/report/${name}`)}, { method: 'POST', mode: 'no-cors', body: JSON.stringify(outcomes) });`,
    ...lines,
    '</script>',
  ].join('\n');
}

/** The server of the foreign pages. */
class Pages {
  readonly reports = new Map<string, object>();
  texts: Readonly<Record<string, () => string>> = {};
  readonly server: Server = createServer((request, response) => this.#answer(request, response));
  readonly #waiting = new Map<string, () => void>();

  reported(name: string): Promise<void> {
    if (this.reports.has(name)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.set(name, resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { url = '' } = request;
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const [, name] = /^\/report\/(\w+)$/.exec(url) ?? [];
      if (name !== undefined) {
        this.reports.set(name, JSON.parse(body) as object);
        this.#waiting.get(name)?.();
      }
      const text = this.texts[url]?.() ?? '';
      const headers = { 'Content-Type': 'text/html', Connection: 'close', 'X-Pages': '1' };
      response.writeHead(200, headers).end(text);
    });
  }
}

/** The address of the rebound name: first the pages, then the forwarder. */
class Relay {
  upstream: number;
  readonly server: TcpServer = createTcpServer((socket) => {
    const other = connect(this.upstream, '127.0.0.1');
    socket.on('error', () => other.destroy()).pipe(other);
    other.on('error', () => socket.destroy()).pipe(socket);
  });

  constructor(upstream: number) {
    this.upstream = upstream;
  }
}

/** A target inside the tunnel, which records the requests it receives. */
async function startTarget(page: (request: IncomingMessage) => string) {
  const requests: string[] = [];
  const take = ({ method, url }: IncomingMessage) => requests.push(`${method} ${url}`);
  const server = createServer((request, response) => {
    take(request);
    request.resume();
    response.writeHead(200, { 'Content-Type': 'text/html' }).end(page(request));
  });
  server.on('upgrade', (request, socket) => {
    take(request);
    socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
  });
  return { port: await open(server), seen: () => [...requests] };
}

async function open(server: Server | TcpServer): Promise<number> {
  const port = await listen(server);
  cleanup.add(() => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
  return port;
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
