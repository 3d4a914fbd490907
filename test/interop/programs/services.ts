/** The services inside the tunnel that the programs of the matrix use, and those on the client's side. */
import { execFileSync } from 'node:child_process';
import { chownSync, cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { inSpace, SERVICE } from '../../support/foreign/wireguard-go-server.js';
import type { ProgramLab } from './program-lab.js';

const NAME_SERVER = '100.127.0.53';
const GIT_SERVER = '100.127.69.43';

const NAMES = {
  'uni.soracom.io': SERVICE,
  'beam.soracom.io': SERVICE,
  'device.example': SERVICE,
  'git.example': GIT_SERVER,
} as const;

/** The forwards of the running `up`. */
export const FORWARDS = [
  ...['-L', '8080:uni.soracom.io:80', '-L', `2222:device.example:22`],
  ...['-L', '1883:beam.soracom.io:1883', '-L', '15432:device.example:5432'],
  ...['-L', '1123:device.example:123/udp', '-L', '5683:device.example:5683/udp'],
  ...['-R', '8000:127.0.0.1:9000', '-R', '22:2200', '-R', '5683:5690/udp'],
] as const;

/** Starts the services that the programs with the library use. */
export async function startFewServices(lab: ProgramLab): Promise<void> {
  for (const address of [NAME_SERVER, GIT_SERVER]) lab.addAddress(address);
  const names = Object.entries(NAMES).map(([name, address]) => `${name}=${address}`);
  await Promise.all([
    lab.peer('dns-peer.js', NAME_SERVER, ...names),
    startWebSocket(lab),
    startMosquitto(lab),
  ]);
}

/** Starts all services. */
export async function startServices(lab: ProgramLab): Promise<void> {
  await startFewServices(lab);
  await Promise.all([
    lab.server.startHttp(),
    lab.peer('udp-echo.js', `${SERVICE}:7`),
    startPostgres(lab),
    startGit(lab),
    startTime(lab),
    startCoap(lab),
    startSsh(lab),
    // For -R 8000.
    lab.local('http-peer.js', '127.0.0.1', '9000'),
  ]);
}

async function startWebSocket(lab: ProgramLab): Promise<void> {
  const program = `
    import { WebSocketServer } from 'ws';
    const server = new WebSocketServer({ host: '${SERVICE}', port: 8082 }, () => console.log('listening'));
    server.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  `;
  // The program finds the package from the working directory, which is the repository.
  await lab.inside([process.execPath, '--input-type=module', '-e', program]);
}

async function startMosquitto(lab: ProgramLab): Promise<void> {
  const path = join(lab.server.folder, 'mosquitto.conf');
  writeFileSync(path, `listener 1883 ${SERVICE}\nallow_anonymous true\n`, { mode: 0o644 });
  await lab.inside(['mosquitto', '-v', '-c', path], /mosquitto version \S+ running/, 'stderr');
}

/** The database `readings` of the user `sensor`. */
async function startPostgres(lab: ProgramLab): Promise<void> {
  const folder = join(lab.server.folder, 'postgresql');
  const data = join(folder, 'data');
  mkdirSync(folder, { mode: 0o700 });
  const [id, group] = ['-u', '-g'].map((flag) =>
    Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' })),
  ) as [number, number];
  chownSync(folder, id, group);
  const [version] = readdirSync('/usr/lib/postgresql');
  const programs = `/usr/lib/postgresql/${version}/bin`;
  const user = ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'];
  const init = ['--auth-local', 'trust', '--auth-host', 'scram-sha-256', '--no-sync'];
  const run = async (command: readonly string[], input = ''): Promise<void> => {
    const { code, stderr } = await lab.server.processes.run([...user, ...command], {
      cwd: folder,
      input,
    });
    if (code !== 0) throw new Error(stderr);
  };
  await run([`${programs}/initdb`, '--pgdata', data, ...init]);
  const sql =
    "CREATE ROLE sensor LOGIN PASSWORD 'secret';\nCREATE DATABASE readings OWNER sensor;\n";
  await run([`${programs}/postgres`, '--single', '-D', data, 'postgres'], sql);
  writeFileSync(join(data, 'pg_hba.conf'), 'host all all 10.0.0.0/8 scram-sha-256\n');
  const settings = [`listen_addresses=${SERVICE}`, `unix_socket_directories=${folder}`];
  const server = [`${programs}/postgres`, '-D', data, ...settings.flatMap((text) => ['-c', text])];
  await lab.inside([...user, ...server], /ready to accept connections/, 'stderr');
}

/** A repository with a file of 1 MB, which a plain web server offers. */
async function startGit(lab: ProgramLab): Promise<void> {
  const folder = lab.repositories;
  const work = join(lab.server.folder, 'work');
  const git = (...words: readonly string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...words]);
  git('init', '-q', work);
  writeFileSync(join(work, 'large'), Buffer.alloc(1_000_000, 'a line of a large file. '));
  git('-C', work, 'add', '.');
  git('-C', work, 'commit', '-q', '-m', 'first');
  git('clone', '-q', '--bare', work, join(folder, 'project.git'));
  git('-C', join(folder, 'project.git'), 'update-server-info');
  const server = ['-u', '-m', 'http.server', '--bind', GIT_SERVER, '--directory', folder, '80'];
  await lab.inside(['/usr/bin/python3', ...server], /Serving HTTP/);
}

/** An NTP server with the clock of this machine. */
async function startTime(lab: ProgramLab): Promise<void> {
  const path = join(lab.server.folder, 'chrony.conf');
  const lines = [`bindaddress ${SERVICE}`, 'allow', 'local stratum 8', 'cmdport 0'];
  lines.push('bindcmdaddress /', `pidfile ${lab.server.folder}/chronyd.pid`);
  writeFileSync(path, `${lines.join('\n')}\n`);
  await lab.inside(['chronyd', '-d', '-x', '-u', 'root', '-f', path], /chronyd version/, 'stderr');
}

/** CoAP servers inside the tunnel and on this machine. */
async function startCoap(lab: ProgramLab): Promise<void> {
  // Without stdbuf, their output waits in a buffer.
  const server = ['stdbuf', '-oL', 'coap-server-notls', '-v', '7', '-A'];
  const local = [...inSpace(lab.server.clientSpace), ...server, '127.0.0.1', '-p', '5690'];
  await Promise.all([
    lab.inside([...server, SERVICE], /created UDP/),
    lab.server.processes.start(local).output(/created UDP/),
  ]);
}

/** Servers for ssh inside the tunnel and on this machine; the user's key is in ssh_config. */
async function startSsh(lab: ProgramLab): Promise<void> {
  mkdirSync('/run/sshd', { recursive: true });
  const { folder, serverSpace, clientSpace } = lab.server;
  const [host, user] = ['host.key', 'user.key'].map((name) => join(folder, name)) as [
    string,
    string,
  ];
  for (const key of [host, user])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  cpSync(user, join(lab.home, 'key'));
  chownSync(join(lab.home, 'key'), 65_534, 65_534);
  lab.file(
    'ssh_config',
    [
      ...['User root', `IdentityFile ${lab.home}/key`, 'BatchMode yes', 'LogLevel ERROR'],
      ...['StrictHostKeyChecking no', 'UserKnownHostsFile /dev/null', ''],
    ].join('\n'),
  );
  const settings = ['UsePAM=no', 'StrictModes=no', 'PermitRootLogin=yes', 'PidFile=none'];
  settings.push(`AuthorizedKeysFile=${user}.pub`);
  const sshd = (space: string, address: string) => {
    const options = [`ListenAddress=${address}`, ...settings].flatMap((text) => ['-o', text]);
    const command = ['/usr/sbin/sshd', '-D', '-e', '-f', '/dev/null', '-h', host, ...options];
    return lab.server.processes
      .start([...inSpace(space), ...command])
      .output(/listening/, 'stderr');
  };
  await Promise.all([sshd(serverSpace, `${SERVICE}:22`), sshd(clientSpace, '127.0.0.1:2200')]);
}
