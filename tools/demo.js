/**
 * Demonstrates arctun without an account or root privileges: starts a local SORACOM emulator,
 * creates a virtual SIM, opens the tunnel and delivers a message. Each step runs the real command
 * in its own process.
 *
 * `--kill-emulator` stops the emulator before the last step, which then fails as it would in real
 * use. `--node PROGRAM` runs the commands with another Node.js, which may be slow, as in qemu.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    'kill-emulator': { type: 'boolean', default: false },
    node: { type: 'string', default: process.execPath },
  },
});
const ARCTUN = fileURLToPath(new URL('../bin/run.js', import.meta.url));
const isSlow = options.node !== process.execPath;
const HANDSHAKE_WAIT = isSlow ? '120' : '10';
const STEP_TIMEOUT = isSlow ? 600_000 : 45_000;

const folder = mkdtempSync(join(tmpdir(), 'arctun-demo-'));
const environment = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(ARCTUN|SORACOM)_/.test(name)),
  ),
  ARCTUN_CONFIG: join(folder, 'arc.json'),
  STATE_DIRECTORY: join(folder, 'state'),
  NO_PROXY: '127.0.0.1',
};
const running = new Set();

/** Starts a command, and shows the command and its output. */
function arctun(parameters, extra = {}) {
  console.log(`\n$ arctun ${parameters.map(quote).join(' ')}`);
  const child = spawn(options.node, [ARCTUN, ...parameters], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...environment, ...extra },
  });
  running.add(child);
  const output = { text: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output.text += text;
      process.stdout.write(text.replace(/^/gm, '  ').replace(/ {2}$/, ''));
    });
  }
  const ended = new Promise((resolve) => {
    child.on('close', (code) => {
      running.delete(child);
      resolve(code ?? 1);
    });
  });
  return { child, output, ended };
}

function quote(word) {
  return /^[\w./:=@-]+$/.test(word) ? word : `'${word}'`;
}

/** Waits until a running command has printed `pattern`. */
async function printed({ child, output, ended }, pattern) {
  let over = false;
  void ended.then(() => (over = true));
  for (const start = performance.now(); performance.now() - start < STEP_TIMEOUT;) {
    const match = pattern.exec(output.text);
    if (match) return match;
    if (over) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${child.spawnargs.slice(2, 4).join(' ')} did not print the expected output`);
}

async function finished(step) {
  const code = await step.ended;
  if (code !== 0) throw Object.assign(new Error(`exit ${code}`), { code });
}

async function stop(step) {
  step.child.kill('SIGTERM');
  await finished(step);
}

function http(method, url, body = '') {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      { method, headers: { 'Content-Type': 'application/json' } },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
        response.on('end', () =>
          resolve({ status: `${response.statusCode} ${response.statusMessage}`, text }),
        );
        response.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function demo() {
  const emulator = arctun([
    'emulator',
    '--api-listen',
    '127.0.0.1:0',
    '--arc-listen',
    '127.0.0.1:0',
    '--json',
  ]);
  const platform = JSON.parse((await printed(emulator, /^\{.*\}$/m))[0]);

  await finished(
    arctun(['bootstrap', 'authkey', '--endpoint', platform.api, '--coverage-type', 'jp'], {
      ARCTUN_AUTH_KEY_ID: platform.authKeyId,
      ARCTUN_AUTH_KEY: platform.authKey,
    }),
  );
  const { simId } = JSON.parse(readFileSync(environment.ARCTUN_CONFIG, 'utf8'));

  const up = arctun(['up', '--forward-listen', '127.0.0.1:0', '--wait', HANDSHAKE_WAIT]);
  const [, url] = await printed(up, /(http:\/\/\S+) forwards to/);
  const message = '{"from":"the forwarder"}';
  console.log(`\n$ curl -d '${message}' ${url}`);
  console.log(`  ${(await http('POST', url, message)).status}`);
  await stop(up);

  if (options['kill-emulator']) {
    console.log('\n# killing the emulator');
    emulator.child.kill('SIGKILL');
    await emulator.ended;
  }
  await finished(arctun(['send', '{"from":"send"}', '--wait', HANDSHAKE_WAIT]));

  console.log(`\n# messages that SORACOM received from SIM ${simId}`);
  const { text } = await http('GET', new URL('/emulator/messages', platform.api));
  console.log(text.replace(/^/gm, '  '));
  await stop(emulator);
  console.log('\nDelivered.');
}

try {
  await demo();
} catch (error) {
  console.error(`\nThe demo failed: ${error.message}`);
  process.exitCode = error.code ?? 1;
} finally {
  for (const child of running) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
}
