/**
 * `up` killed and restarted at once, with an independent WireGuard: the first initiation of each
 * process is answered, because its timestamp is later than any that the server has seen.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { FakeWallClock } from '../../support/foreign/faketime.js';
import { ARCTUN, type TestProcess } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';
import {
  inSpace,
  LISTEN_PORT,
  WireGuardGoServer,
} from '../../support/foreign/wireguard-go-server.js';

const PEERS = ['root', 'wireguard-go', 'wg', 'ip', 'nft', 'ethtool', 'faketime'] as const;
const RESTARTS = 20;
const YEAR = 365 * 86_400;
/** UDP lengths of the two messages of a handshake. */
const [INITIATION, RESPONSE] = [148 + 8, 92 + 8];

describeWith(PEERS, 'up that is killed and restarted', () => {
  let server: WireGuardGoServer;
  let folder: string;
  let clock: FakeWallClock;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'arctun-restart-'));
    mkdirSync(state());
    clock = new FakeWallClock(folder);
    server = new WireGuardGoServer();
    await server.startWireGuard();
    countHandshakeMessages();
  });
  afterEach(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  const state = () => join(folder, 'state');

  function nft(...parameters: string[]): string {
    const command = [...inSpace(server.serverSpace), 'nft', ...parameters] as const;
    return execFileSync(command[0], command.slice(1), { encoding: 'utf8' });
  }

  function countHandshakeMessages(): void {
    nft('add table inet seen');
    for (const [hook, side, length] of [
      ['input', 'dport', INITIATION],
      ['output', 'sport', RESPONSE],
    ] as const) {
      nft(`add chain inet seen ${hook} { type filter hook ${hook} priority 0; }`);
      nft(`add rule inet seen ${hook} udp ${side} ${LISTEN_PORT} udp length ${length} counter`);
    }
  }

  function handshakeMessages(): { initiations: number; responses: number } {
    const count = (chain: string) =>
      Number(/packets (\d+)/.exec(nft('list', 'chain', 'inet', 'seen', chain))?.[1]);
    return { initiations: count('input'), responses: count('output') };
  }

  /**
   * When the server last accepted an initiation, and last received a packet of its session, in Unix
   * seconds.
   */
  function latestHandshake(): number {
    const device = `wg${server.clientSpace.slice(0, -1)}`.slice(0, 15);
    const parameters = ['wg', 'show', device, 'latest-handshakes'];
    const output = execFileSync('ip', [...inSpace(server.serverSpace).slice(1), ...parameters]);
    return Number(output.toString().split('\t')[1]);
  }

  function start(...parameters: string[]): TestProcess {
    const command = [...inSpace(server.clientSpace), process.execPath, ARCTUN, 'up'];
    const options = ['--json', '--log-format', 'json', '--forward-listen', '127.0.0.1:0'];
    const config = ['--config', server.configPath];
    return server.processes.start([...command, ...options, ...config, ...parameters], {
      env: { ...clock.env, STATE_DIRECTORY: state() },
    });
  }

  /** Waits for the handshake, and kills the process. */
  async function oneLife(): Promise<string> {
    const up = start();
    await up.output(/"forward":/);
    up.kill('SIGKILL');
    const { code, stderr } = await up.finished;
    expect(code).toBeNull();
    return stderr;
  }

  /** How many days the clock of a process is slow, by its own log. */
  function daysBehind(stderr: string): number {
    const [, time = ''] = /"time":"([^"]+)"/.exec(stderr) ?? [];
    return Math.round((Date.now() - Date.parse(time)) / 86_400_000);
  }

  it(`is answered at its first initiation, ${RESTARTS} times in a row`, async () => {
    for (let life = 1; life <= RESTARTS; life++) {
      expect(await oneLife()).not.toContain('"level":"warn"');
      expect(handshakeMessages()).toEqual({ initiations: life, responses: life });
    }
    expect(latestHandshake()).toBeGreaterThan(0);
  }, 240_000);

  it(`is answered with the clock set back by a year, ${RESTARTS} times in a row`, async () => {
    expect(daysBehind(await oneLife())).toBe(0);
    clock.set(-YEAR);
    for (let life = 2; life <= RESTARTS + 1; life++) {
      const stderr = await oneLife();
      expect(daysBehind(stderr)).toBe(365);
      expect(stderr).not.toContain('"level":"warn"');
      expect(handshakeMessages()).toEqual({ initiations: life, responses: life });
    }
    const folderOfStamps = join(state(), 'timestamps');
    const [name, ...others] = readdirSync(folderOfStamps);
    expect(others).toEqual([]);
    // The timestamps are still those of the true year, a step later each time.
    const stamps = [...readFileSync(join(folderOfStamps, name!), 'latin1').matchAll(/@(\w{24})/g)];
    const seconds = stamps.map(([, hex]) => Number.parseInt(hex!.slice(8, 16), 16));
    expect(Math.min(...seconds)).toBeGreaterThan(Date.now() / 1000 - 3600);
  }, 240_000);

  it('gets no answer if the state is lost and the clock was set back (control)', async () => {
    await oneLife();
    const before = latestHandshake();
    rmSync(state(), { recursive: true });
    clock.set(-YEAR);
    const { code, stderr } = await start('--wait', '2').finished;
    expect(code).toBe(5);
    expect(stderr).toContain('no handshake with the Arc server');
    expect(daysBehind(stderr)).toBe(365);
    expect(handshakeMessages()).toEqual({ initiations: 2, responses: 1 });
    expect(latestHandshake()).toBe(before);

    clock.set(0);
    await oneLife();
    expect(handshakeMessages()).toEqual({ initiations: 3, responses: 2 });
  }, 60_000);
});
