#!/usr/bin/env node
/**
 * An extension that behaves as the JSON in the variable PROBE_NAME says (NAME is its file name in
 * capitals):
 *
 *     events          the events that it registers for; default INVOKE and SHUTDOWN
 *     silent          never register
 *     registerGate, nextGate   a file that must exist before each call
 *     exitAt, code    when to exit: start, registered, INVOKE or SHUTDOWN
 *     hangAt          the event that it never finishes
 *     initError       the error reported after registering, before it exits
 *     child           start a child in its process group that outlives it
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const NAME = basename(process.argv[1]);
const plan = JSON.parse(process.env[`PROBE_${NAME.toUpperCase()}`] ?? '{}');
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const EXTENSIONS = '/2020-01-01/extension';
const headers = {};

tell('started', { path: process.argv[1], cwd: process.cwd(), uid: process.getuid() });
tell('environment', process.env);
if (plan.child) tell('child', { pid: spawn('sleep', ['600'], { stdio: 'ignore' }).pid });
exitIf('start');
if (plan.silent) await sleep(600_000);
await passed(plan.registerGate);
const registered = await call('POST', `${EXTENSIONS}/register`, {
  headers: { 'Lambda-Extension-Name': NAME },
  body: { events: plan.events ?? ['INVOKE', 'SHUTDOWN'] },
});
tell('registered', { status: registered.status, ...JSON.parse(registered.body) });
if (registered.status !== 200) process.exit(1);
headers['Lambda-Extension-Identifier'] = registered.headers['lambda-extension-identifier'];
exitIf('registered');
if (plan.initError !== undefined) await giveUp(plan.initError);
await passed(plan.nextGate);

for (;;) {
  const { body } = await call('GET', `${EXTENSIONS}/event/next`);
  const event = JSON.parse(body);
  tell(event.eventType, { ...event, wall: Date.now(), monotonic: performance.now() });
  exitIf(event.eventType);
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

async function giveUp(type) {
  const { status } = await call('POST', `${EXTENSIONS}/init/error`, {
    headers: { 'Lambda-Extension-Function-Error-Type': type },
    body: { errorType: type, errorMessage: 'as asked', stackTrace: [] },
  });
  tell('gave up', { status });
  process.exit(1);
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
