/**
 * SORACOM's emulator in its own process, behind relays that add a round-trip time, and sandboxes of
 * the Lambda emulator with the extension.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { LambdaSandbox, nodeFunction } from '../../build/harness/test/support/lambda/main.js';
import { NODE_VERSION } from '../../dist/src/lambda/layer/node-release.js';
import { Child } from './child.js';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const ARCTUN = join(REPOSITORY, 'bin/run.js');
const WIREGUARD_GO_EMULATOR = join(REPOSITORY, 'test/support/foreign/wireguard-go-emulator.js');
const TASK_ROOT = join(REPOSITORY, 'bench/support/lambda-function');

export class LambdaLab {
  folder = mkdtempSync(join(tmpdir(), 'arctun-lambda-bench-'));
  /** The Node that the executable contains, downloaded by `npm run build:executable`. */
  node = join(REPOSITORY, `build/node/node-${NODE_VERSION}-x86_64`);
  /** The available builds of the extension. */
  programs = {
    executable: join(REPOSITORY, 'build/executable/arctun-linux-x64'),
    thin: join(this.folder, 'thin'),
  };
  /** The port of a server that is reached without a tunnel. */
  plainPort;
  #children = [];
  #sims = 0;
  #namespace;
  #env;
  #arc;

  /** @param server the Arc server: 'arctun' or 'wireguard-go', which requires root */
  static async start(server = 'arctun') {
    const lab = new LambdaLab();
    try {
      await lab.#setUp(server);
      return lab;
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  async #setUp(server) {
    const program = readFileSync(join(REPOSITORY, 'dist/executable/extension.cjs'), 'utf8');
    writeFileSync(this.programs.thin, `#!${this.node}\n${program}`, { mode: 0o755 });
    const emulator = server === 'wireguard-go' ? await this.#wireguardGo() : this.#emulator();
    const ready = JSON.parse(await emulator.line((line) => line.startsWith('{')));
    this.#arc = ready.arc;
    this.#env = {
      ARCTUN_ENDPOINT: ready.api,
      ARCTUN_AUTH_KEY_ID: ready.authKeyId,
      ARCTUN_AUTH_KEY: ready.authKey,
      STATE_DIRECTORY: join(this.folder, 'state'),
    };
    const plain = this.child([process.execPath, join(REPOSITORY, 'bench/support/plain-server.js')]);
    this.plainPort = await portOf(plain);
  }

  #emulator() {
    const listen = ['--api-listen', '127.0.0.1:0', '--arc-listen', '127.0.0.1:0'];
    return this.child([process.execPath, ARCTUN, 'emulator', '--json', ...listen]);
  }

  /**
   * Starts the emulator with wireguard-go as its Arc server, and with the kernel's TCP. Only the
   * interface and the services are in their own network namespace.
   */
  async #wireguardGo() {
    const name = `ajb${process.pid}`;
    const outside = createServer().listen(0, '127.0.0.1');
    await once(outside, 'listening');
    const device = this.child(['wireguard-go', '-f', name], { LOG_LEVEL: 'error' });
    this.#namespace = name;
    ip('netns', 'add', name);
    for (let tries = 0; !existsSync(`/var/run/wireguard/${name}.sock`); tries++) {
      if (tries === 100) throw new Error(`wireguard-go does not start: ${device.stderr}`);
      await setTimeout(50);
    }
    ip('link', 'set', name, 'netns', name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
    ip('-n', name, 'link', 'set', name, 'up');
    const command = ['ip', 'netns', 'exec', name, process.execPath, WIREGUARD_GO_EMULATOR, name];
    const emulator = this.child(command, {}, outside._handle.fd);
    outside.close();
    return emulator;
  }

  /** Starts a process that is stopped when the lab is closed, if it has not ended earlier. */
  child(command, env, descriptor) {
    const child = new Child(command, env, descriptor);
    this.#children.push(child);
    return child;
  }

  /** Opens a path to SORACOM's emulator with the given round-trip time in ms. */
  async openPath(roundTrip) {
    const path = { port: 0, roundTrip, relay: undefined };
    await this.#startRelay(path);
    return path;
  }

  /** Simulates a NAT that has dropped an idle mapping: the client's source port changes. */
  async forgetMapping(path) {
    path.relay.kill();
    await path.relay.ended();
    await this.#startRelay(path);
  }

  async #startRelay(path) {
    const relay = join(REPOSITORY, 'test/support/foreign/udp-relay.js');
    const delay = ['--delay', String(path.roundTrip / 2), '--port', String(path.port)];
    path.relay = this.child([process.execPath, relay, this.#arc, ...delay]);
    path.port = await portOf(path.relay);
  }

  /**
   * Creates an arc.json with its own SIM.
   * @param path a result of openPath(); if undefined, the SIM reaches the emulator directly
   */
  createSim(path) {
    const file = join(this.folder, `arc${this.#sims++}.json`);
    const command = [ARCTUN, 'bootstrap', 'authkey', '--config', file];
    const env = { ...process.env, ...this.#env };
    execFileSync(process.execPath, command, { env, stdio: ['ignore', 'ignore', 'inherit'] });
    if (path !== undefined) {
      const config = JSON.parse(readFileSync(file, 'utf8'));
      config.arcSessionStatus.arcServerEndpoint = `127.0.0.1:${path.port}`;
      writeFileSync(file, JSON.stringify(config));
    }
    return file;
  }

  /** Starts a sandbox and its init; returns the sandbox with the extension's port. */
  async sandbox(program, config, options = {}) {
    const port = await freePort();
    const { runtime } = nodeFunction('echo');
    const sandbox = await LambdaSandbox.start({
      extensions: [{ name: 'arctun', file: this.programs[program] }],
      runtime,
      taskRoot: TASK_ROOT,
      handler: 'pair.handler',
      timeoutMs: 20_000,
      env: { ARCTUN_CONFIG: config, ARCTUN_LAMBDA_PORT: String(port) },
      ...options,
    });
    return { sandbox, port };
  }

  async close() {
    for (const child of this.#children) child.kill();
    await Promise.all(this.#children.map((child) => child.ended()));
    if (this.#namespace !== undefined) ip('netns', 'delete', this.#namespace);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/**
 * Makes the function post to these ports, one after the other.
 *
 * @returns the duration of each POST in ms, and the sandbox's report on the invocation
 * @throws Error if a POST is not accepted
 */
export async function invoke(sandbox, ports) {
  const result = await sandbox.invoke({ ports });
  const answers = JSON.parse(result.response ?? '[]');
  if (answers.length !== ports.length || answers.some(({ status }) => status !== 201))
    throw new Error(`${JSON.stringify(result)}\n${sandbox.output('arctun')}`);
  return { ...result, took: answers.map(({ took }) => took) };
}

/** Returns the extension's log lines that contain this message. */
export function logged(sandbox, message) {
  return sandbox
    .output('arctun')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .filter(({ msg }) => msg === message);
}

function ip(...parameters) {
  execFileSync('ip', parameters, { stdio: ['ignore', 'ignore', 'pipe'] });
}

async function portOf(child) {
  const line = await child.line((text) => text.startsWith('listening '));
  return Number(line.split(' ')[1]);
}

/** Returns a port that seems free; another process may open it before it is used. */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
