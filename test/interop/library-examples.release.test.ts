/**
 * The programs of docs/guides/library-examples.md, each as a process with wireguard-go as the peer,
 * whose kernel runs the other side: curl, mosquitto and a WebSocket server.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { EXAMPLE_PROGRAMS, exampleProgram } from '../support/example-programs.js';
import {
  CLIENT_INSIDE,
  inSpace,
  SERVICE,
  WireGuardGoServer,
} from '../support/foreign/wireguard-go-server.js';
import { REPOSITORY, type TestProcess } from '../support/processes.js';
import { describeWith } from '../support/runner/requirements.js';

const PEERS = [
  ...['root', 'wireguard-go', 'wg', 'ip', 'curl', 'ethtool'],
  ...['mosquitto', 'mosquitto_pub'],
] as const;
const NAME_SERVER = '100.127.0.53';

/** Answers each WebSocket message in capital letters. */
const WEBSOCKET_SERVER = `
  const { WebSocketServer } = require('ws');
  const server = new WebSocketServer({ host: '${SERVICE}', port: 8081 });
  server.on('listening', () => console.log('listening'));
  server.on('connection', (socket) => {
    socket.on('message', (data) => socket.send(String(data).toUpperCase()));
    socket.on('close', (code) => console.log('closed', code));
  });
`;

describeWith(PEERS, 'a program of the examples with wireguard-go as the peer', () => {
  let server: WireGuardGoServer;

  beforeAll(async () => {
    server = new WireGuardGoServer();
    await server.startWireGuard();
    const add = ['address', 'add', `${NAME_SERVER}/32`, 'dev', 'lo'];
    execFileSync('ip', ['-n', server.serverSpace, ...add]);
    const names = [`${REPOSITORY}test/support/foreign/dns-peer.js`, NAME_SERVER];
    await peer(process.execPath, ...names, `beam.soracom.io=${SERVICE}`).output(/listening/);
  }, 60_000);
  afterAll(() => server.close());

  function peer(...command: readonly string[]): TestProcess {
    return server.processes.start([...inSpace(server.serverSpace), ...command], {
      cwd: REPOSITORY,
    });
  }

  function run(name: string): TestProcess {
    const source = exampleProgram(name).replaceAll("'arc.json'", JSON.stringify(server.configPath));
    const node = [process.execPath, '--input-type=module', '-e', source];
    return server.processes.start([...inSpace(server.clientSpace), ...node], { cwd: REPOSITORY });
  }

  it('express.mjs answers curl, and ends with SIGTERM', async () => {
    const program = run('express.mjs');
    await program.output(/listening on port 8080\n/);
    const curl = ['curl', '-sS', '--max-time', '20', '-w', ' %{http_code}'];
    const url = `http://${CLIENT_INSIDE}:8080`;
    const json = ['-H', 'Content-Type: application/json'];
    const got = await peer(...curl, `${url}/temperature`).finished;
    expect(got.stdout).toMatch(/^\{"celsius":21\.5,"client":"100\.127\.\d+\.\d+"\} 200$/);
    const posted = await peer(...curl, ...json, '-d', '{"on":true}', `${url}/led`).finished;
    expect(posted.stdout).toBe(' 204');
    expect((await peer(...curl, `${url}/else`).finished).stdout).toMatch(/ 404$/);
    await program.output(/led true\n/);
    program.kill('SIGTERM');
    expect(await program.finished).toMatchObject({ code: 0, stderr: '' });
  }, 60_000);

  it('mqtt.mjs publishes and subscribes, with mosquitto as the broker', async () => {
    const settings = join(server.folder, 'mosquitto.conf');
    writeFileSync(settings, `listener 1883 ${SERVICE}\nallow_anonymous true\nuser root\n`);
    await peer('mosquitto', '-v', '-c', settings).output(/running/, 'stderr');
    const subscriber = peer(
      'mosquitto_sub',
      '-h',
      SERVICE,
      '-t',
      'sensors/#',
      '-C',
      '1',
      '-W',
      '40',
    );
    const program = run('mqtt.mjs');
    await program.output(/connected\n/);
    const publish = ['-h', SERVICE, '-t', 'commands/led', '-m', 'on', '-r'];
    expect((await peer('mosquitto_pub', ...publish).finished).code).toBe(0);
    expect(await program.finished).toMatchObject({
      ...{ code: 0, stderr: '' },
      stdout: 'connected\ncommands/led on\n',
    });
    expect((await subscriber.finished).stdout).toBe('{"temperature":21.5}\n');
  }, 60_000);

  it('ws.mjs exchanges messages, and closes the WebSocket and the tunnel', async () => {
    const websocket = peer(process.execPath, '-e', WEBSOCKET_SERVER);
    await websocket.output(/listening/);
    expect(await run('ws.mjs').finished).toEqual({ code: 0, stdout: 'HELLO\n', stderr: '' });
    await websocket.output(/closed 1005/);
  }, 60_000);
});

it('includes each program of the page, or another test does', () => {
  const elsewhere = ['index.mjs', 'devices.mjs'];
  expect([...EXAMPLE_PROGRAMS.keys()].sort()).toEqual(
    ['express.mjs', 'mqtt.mjs', 'ws.mjs', ...elsewhere].sort(),
  );
});
