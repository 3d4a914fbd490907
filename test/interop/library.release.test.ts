/**
 * The examples of docs/guides/library.md, each run as a separate program with wireguard-go as the
 * peer.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { REPOSITORY, type TestProcess } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';
import {
  CLIENT_INSIDE,
  inSpace,
  SERVICE,
  WireGuardGoServer,
} from '../support/foreign/wireguard-go-server.js';

const PEERS = ['root', 'wireguard-go', 'wg', 'ip', 'curl', 'ethtool'] as const;
const NAME_SERVER = '100.127.0.53';

const PAGE = readFileSync(`${REPOSITORY}docs/guides/library.md`, 'utf8');
const EXAMPLES = [...PAGE.matchAll(/```js\n([^]*?)```/g)].map((match) => match[1] ?? '');

/** The peer's answer to a POST of the page's message. */
const BODY = JSON.stringify({ temperature: 21.5 });
const ANSWER = JSON.stringify({
  length: BODY.length,
  sha256: createHash('sha256').update(BODY).digest('hex'),
});

/** Echoes each datagram to port 7. */
const ECHO = `
  const socket = require('node:dgram').createSocket('udp4');
  socket.on('message', (payload, from) => socket.send(payload, from.port, from.address));
  socket.bind(7, '${SERVICE}', () => console.log('listening'));
`;

/** Reports the data for port 9, and how the connection ends. */
const LISTENER = `
  const server = require('node:net').createServer((socket) => {
    socket.setEncoding('utf8').on('data', (text) => process.stdout.write(text));
    socket.on('end', () => console.log('ended')).on('error', (error) => console.log(error.code));
  });
  server.listen(9, '${SERVICE}', () => console.log('listening'));
`;

describeWith(PEERS, 'a program with the library and wireguard-go as the peer', () => {
  let server: WireGuardGoServer;

  beforeAll(async () => {
    server = new WireGuardGoServer();
    await server.startWireGuard();
    const add = ['address', 'add', `${NAME_SERVER}/32`, 'dev', 'lo'];
    execFileSync('ip', ['-n', server.serverSpace, ...add]);
    await server.startHttp();
    const names = [`${REPOSITORY}test/support/foreign/dns-peer.js`, NAME_SERVER];
    await peer(...names, `uni.soracom.io=${SERVICE}`);
    await peer('-e', ECHO);
  }, 60_000);
  afterAll(() => server.close());

  async function peer(...parameters: readonly string[]): Promise<TestProcess> {
    const command = [...inSpace(server.serverSpace), process.execPath, ...parameters];
    const started = server.processes.start(command);
    await started.output(/listening/);
    return started;
  }

  /** Runs a program in the client's namespace, with its own arc.json. */
  function run(program: string): TestProcess {
    const source = program.replaceAll("'arc.json'", JSON.stringify(server.configPath));
    const node = [process.execPath, '--input-type=module', '-e', source];
    return server.processes.start([...inSpace(server.clientSpace), ...node], { cwd: REPOSITORY });
  }

  /** The only example that has such a line. */
  function example(part: string): string {
    const found = EXAMPLES.filter((text) => text.includes(part));
    expect(found).toHaveLength(1);
    return found[0] ?? '';
  }

  const ERRORS = [
    `connect ECONNREFUSED ${SERVICE}:81 - refused`,
    'connect ENETUNREACH 192.0.2.1:80 - no-route',
    'getaddrinfo ENOTFOUND nowhere.test - no-such-name',
  ];

  it.each([
    ["console.log('up'", "up { address: '192.0.2.1', port: 11010 }\n"],
    ['httpAgent(', '200 8\n'],
    ['tunnel.fetch(', `201 ${ANSWER}\n`],
    ['tunnel.on(', 'up 1\n'],
    ["console.log('connected'", `connected ${SERVICE} 80\nreceived true CLOSE-WAIT bbr true\n`],
    ['createUdpSocket(', `ping ${SERVICE} 7\n`],
    [
      'promises.lookup(',
      `{ address: '${SERVICE}', family: 4 }\nnull [ { address: '${SERVICE}', family: 4 } ]\n`,
    ],
    ['error.cause.reason', `${ERRORS.join('\n')}\n`],
  ])(
    'the example with %s',
    async (part, stdout) => {
      expect(await run(example(part)).finished).toEqual({ code: 0, stdout, stderr: '' });
    },
    60_000,
  );

  it('the example with a server, which curl requests from inside', async () => {
    const program = run(example('tunnel.listen('));
    await program.output(/listening 8080/);
    const curl = ['curl', '-sS', '--max-time', '20', `http://${CLIENT_INSIDE}:8080/`];
    const { stdout } = await server.processes.run([...inSpace(server.serverSpace), ...curl]);
    expect(stdout).toMatch(/^hello 100\.127\.\d+\.\d+\n$/);
    expect((await program.finished).code).toBe(0);
  }, 60_000);

  it('the example that closes right after its last write, without other handles that keep it alive', async () => {
    const listener = await peer('-e', LISTENER);
    const program = run(example('the last line'));
    await listener.output(/the last line of a log\nended\n/);
    expect(await program.finished).toEqual({ code: 0, stdout: '', stderr: '' });
  }, 60_000);

  it('Node’s own fetch accepts an undici dispatcher', async () => {
    const text = example('tunnel.fetch(')
      .replace('tunnel.fetch(', 'fetch(')
      .replace("method: 'POST',", "method: 'POST', dispatcher,")
      .replace(
        'const response',
        'const dispatcher = new Agent({ connect: tunnel.undiciConnector() });\nconst response',
      );
    const own = `import { Agent } from 'undici';\n${text}`;
    expect(await run(own).finished).toEqual({ code: 0, stdout: `201 ${ANSWER}\n`, stderr: '' });
  }, 60_000);
});

it('includes each example of the page', () => {
  expect(EXAMPLES).toHaveLength(11);
});
