/** Existing setups around soratun, with only the program replaced by `arctun`. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { ARCTUN, type TestProcess } from '../support/processes.js';
import { describeWith, TUN_MODE } from '../support/runner/requirements.js';
import {
  inSpace,
  SERVER_OUTSIDE,
  WireGuardGoServer,
} from '../support/foreign/wireguard-go-server.js';

const NEEDS = [...TUN_MODE, 'jq', 'ping'] as const;

/**
 * A CI job in a privileged container: the skeleton, patched with values copied from the console,
 * the tunnel in the background, and three pings at once.
 */
const JOB = `
set -eu
arctun config > arc.json
jq ".simId = \\"$ARC_SIMID\\"
  | .privateKey = \\"$ARC_PRIVATE_KEY\\"
  | .publicKey = \\"$ARC_CLIENT_PEER_PUBLIC_KEY\\"
  | .interface = \\"$INTERFACE\\"
  | .arcSessionStatus.arcServerPeerPublicKey = \\"$ARC_PUBLIC_KEY\\"
  | .arcSessionStatus.arcServerEndpoint = \\"$ARC_ENDPOINT\\"
  | .arcSessionStatus.arcAllowedIPs = $ARC_ALLOWED_IPS
  | .arcSessionStatus.arcClientPeerIpAddress = \\"$ARC_ADDRESS\\"" arc.json > soratun.json
arctun up --config soratun.json &
ping -c 3 -W 2 "$PONG"
`;

/** The unit that comes with soratun, with its program replaced. */
const UNIT = `
[Unit]
Requires=network-online.target
After=network-online.target

[Service]
Type=simple
ExecStart=/usr/local/bin/arctun up --config /etc/arc.json
Restart=always
WatchdogSec=120
SyslogIdentifier=arctun
SyslogFacility=local7
`;

describeWith(NEEDS, 'arctun instead of soratun', () => {
  let server: WireGuardGoServer;

  beforeEach(async () => {
    server = new WireGuardGoServer();
    await server.startWireGuard();
    // As in any container, there is a default route, so that a ping before the tunnel is only lost.
    execFileSync('ip', [
      '-n',
      server.clientSpace,
      'route',
      'add',
      'default',
      'via',
      SERVER_OUTSIDE,
    ]);
  });
  afterEach(() => server.close());

  /** A folder with `arctun` in it, to be found by its name. */
  function programs(): string {
    const folder = join(server.folder, 'bin');
    mkdirSync(folder);
    const path = join(folder, 'arctun');
    writeFileSync(path, `#!/bin/sh\nexec ${process.execPath} ${ARCTUN} "$@"\n`);
    chmodSync(path, 0o755);
    return folder;
  }

  function inClient(command: readonly string[], env: NodeJS.ProcessEnv): TestProcess {
    return server.processes.start([...inSpace(server.clientSpace), ...command], {
      cwd: server.folder,
      // The environment of the container: no mode, and root.
      env: { ARCTUN_MODE: undefined, ...env },
    });
  }

  it('runs the job of the sample action', async () => {
    // The job pings before the tunnel is up.
    server.allowStrays();
    const config = JSON.parse(readFileSync(server.configPath, 'utf8')) as {
      privateKey: string;
      publicKey: string;
      interface: string;
      arcSessionStatus: Record<string, string>;
    };
    const { arcSessionStatus: session } = config;
    const job = inClient(['sh', '-c', JOB], {
      PATH: [programs(), process.env.PATH].join(delimiter),
      ARC_SIMID: '8942000000000000001',
      ARC_PRIVATE_KEY: config.privateKey,
      ARC_CLIENT_PEER_PUBLIC_KEY: config.publicKey,
      ARC_PUBLIC_KEY: session.arcServerPeerPublicKey,
      ARC_ENDPOINT: session.arcServerEndpoint,
      ARC_ALLOWED_IPS: JSON.stringify(session.arcAllowedIPs),
      ARC_ADDRESS: session.arcClientPeerIpAddress,
      INTERFACE: config.interface,
      PONG: server.inside.service,
    });
    await job.output(/3 packets transmitted/);
    expect(job.stdout).toMatch(/3 packets transmitted, [123] received/);
    // The job ends without notifying the tunnel, as a container ends it.
    const pids = execFileSync('ip', ['netns', 'pids', server.clientSpace], { encoding: 'utf8' });
    for (const pid of pids.split('\n').filter(Boolean)) process.kill(Number(pid), 'SIGTERM');
    await expect(job.finished).resolves.toMatchObject({ code: 0 });
  }, 60_000);

  it('runs as soratun’s unit specifies', async () => {
    const command = /^ExecStart=(.*)$/m.exec(UNIT)![1]!.split(' ');
    const [, ...parameters] = command.map((word) =>
      word === '/etc/arc.json' ? server.configPath : word,
    );
    const socket = join(server.folder, 'notify');
    // The environment that systemd sets for a service with WatchdogSec=120.
    const running = inClient([process.execPath, ARCTUN, ...parameters], {
      WATCHDOG_USEC: '120000000',
      NOTIFY_SOCKET: socket,
    });
    await running.output(/Tunnel to 192\.0\.2\.1:11010 is up on/);
    const ping = ['ping', '-c', '2', '-i', '0.2', server.inside.service];
    const [space, ...inSpaceCommand] = [...inSpace(server.clientSpace), ...ping];
    expect(execFileSync(space, inSpaceCommand, { encoding: 'utf8' })).toContain(' 0% packet loss');
    // Counters and messages are lines for the journal.
    expect(running.stderr).toContain('handshake complete');
    running.kill('SIGTERM');
    await expect(running.finished).resolves.toMatchObject({ code: 0 });
  }, 60_000);
});
