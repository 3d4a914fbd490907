#!/usr/bin/env node
/**
 * An extension that behaves as the JSON in the variable PROBE_NAME says (NAME is its file name in
 * capitals):
 *
 *     events          the events that it registers for; default INVOKE and SHUTDOWN
 *     name            the name under which it registers; default its file name
 *     silent          never register
 *     nextAfterMs     the delay before it asks for its first event
 *     registerGate, nextGate   a file that must exist before each call
 *     exitAt, code    when to exit: start, registered, INVOKE or SHUTDOWN
 *     hangAt          the event that it never finishes
 *     initError, exitError   the error reported after registering, or at the first event, before it exits
 *     port            listen there and echo each POST
 *     telemetryPort   subscribe to all telemetry, sent to this port
 *     ticks           write a line every 5 ms
 *     child           start a child in its process group that outlives it
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { basename } from 'node:path';
import { setInterval } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';

const NAME = basename(process.argv[1]);
const plan = JSON.parse(process.env[`PROBE_${NAME.toUpperCase()}`] ?? '{}');
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const EXTENSIONS = '/2020-01-01/extension';
const headers = {};

tell('started', { path: process.argv[1], cwd: process.cwd(), uid: process.getuid() });
tell('environment', process.env);
if (plan.child) tell('child', { pid: spawn('sleep', ['600'], { stdio: 'ignore' }).pid });
if (plan.ticks) setInterval(() => tell('tick', {}), 5);
if (plan.port !== undefined) await listen(plan.port, answer);
if (plan.telemetryPort !== undefined) await listen(plan.telemetryPort, takeTelemetry);
exitIf('start');
if (plan.silent) await sleep(600_000);
await passed(plan.registerGate);
const registered = await call('POST', `${EXTENSIONS}/register`, {
  headers: { 'Lambda-Extension-Name': plan.name ?? NAME },
  body: { events: plan.events ?? ['INVOKE', 'SHUTDOWN'] },
});
tell('registered', { status: registered.status, ...JSON.parse(registered.body) });
if (registered.status !== 200) process.exit(1);
headers['Lambda-Extension-Identifier'] = registered.headers['lambda-extension-identifier'];
exitIf('registered');
if (plan.initError !== undefined) await giveUp('init', plan.initError);
if (plan.telemetryPort !== undefined) await subscribe();
await sleep(plan.nextAfterMs ?? 0);
await passed(plan.nextGate);

for (;;) {
  const { body } = await call('GET', `${EXTENSIONS}/event/next`);
  const event = JSON.parse(body);
  tell(event.eventType, { ...event, wall: Date.now(), monotonic: performance.now() });
  exitIf(event.eventType);
  if (plan.exitError !== undefined) await giveUp('exit', plan.exitError);
  if (plan.hangAt === event.eventType) await sleep(600_000);
  if (event.eventType === 'SHUTDOWN') process.exit(0);
}

function tell(what, facts) {
  process.stdout.write(`${what} ${JSON.stringify(facts)}\n`);
}

function exitIf(moment) {
  if (plan.exitAt === moment) process.exit(plan.code ?? 0);
}

async function passed(gate) {
  while (gate !== undefined && !existsSync(gate)) await sleep(5);
}

async function giveUp(phase, type) {
  const { status } = await call('POST', `${EXTENSIONS}/${phase}/error`, {
    headers: { 'Lambda-Extension-Function-Error-Type': type },
    body: { errorType: type, errorMessage: 'as asked', stackTrace: [] },
  });
  tell('gave up', { status });
  process.exit(1);
}

async function subscribe() {
  const { status, body } = await call('PUT', '/2022-07-01/telemetry', {
    body: {
      schemaVersion: '2022-07-01',
      types: ['platform', 'function', 'extension'],
      buffering: { maxItems: 1000, maxBytes: 262_144, timeoutMs: 25 },
      destination: { protocol: 'HTTP', URI: `http://sandbox.localdomain:${plan.telemetryPort}` },
    },
  });
  tell('subscribed', { status, body });
}

function takeTelemetry(body) {
  // Reporting extension records too would create further records, endlessly.
  const types = JSON.parse(body).map(({ type }) => type);
  if (types.some((type) => type !== 'extension')) tell('telemetry', types);
}

function answer(body) {
  tell('message', JSON.parse(body));
  return JSON.stringify({ got: JSON.parse(body) });
}

function listen(port, take) {
  const server = createServer((incoming, response) => {
    let body = '';
    incoming.setEncoding('utf8');
    incoming.on('data', (part) => (body += part));
    incoming.on('end', () => response.writeHead(201).end(take(body)));
  });
  return new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
}

function call(method, path, { headers: more = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const options = { host, port, method, path, headers: { ...headers, ...more } };
    const sent = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part) => (text += part));
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body: text }),
      );
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
