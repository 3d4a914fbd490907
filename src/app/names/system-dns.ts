/**
 * Registers the name servers inside the tunnel with the operating system, for tunnels with a network
 * interface, and puts everything back when the tunnel ends. As wg-quick does, it runs the system's
 * own tools.
 */
import { messageOf } from '../../lib/errors/error-message.js';
import { type FailureKind, UserError } from '../../lib/errors/user-error.js';
import { isCredentialVariable } from '../../lib/secrets/credential-variables.js';
import {
  CommandError,
  type CommandResult,
  type CommandRunner,
} from '../../ports/command-runner.js';
import type { Log } from '../../ports/log.js';
import { TUNNEL_NAMES } from '../up/listeners/tunnel-names.js';

export type DnsManager = 'resolved' | 'resolvconf';

export interface DnsSetup {
  /** Which of the system's tools to use; `auto` selects one that programs use. */
  readonly manager: DnsManager | 'auto';
  /** More domains to look up inside the tunnel; `.` for all names. Only systemd-resolved uses them. */
  readonly domains: readonly string[];
}

export interface InterfaceDns extends DnsSetup {
  readonly interfaceName: string;
  /** The IP addresses of the name servers inside the tunnel. */
  readonly nameServers: readonly string[];
}

export interface SystemDnsPorts {
  readonly commands: CommandRunner;
  readonly log: Log;
}

export interface SystemDns {
  /** Puts the system's settings back. Logs failures. */
  readonly undo: () => Promise<void>;
}

/** The timeout of each tool, in milliseconds. */
const TIMEOUT = 10_000;

/**
 * @param signal ends the setup; the promise then rejects with the abort reason
 * @throws UserError of kind `permission` or `failed`; the settings are then put back
 */
export async function setUpSystemDns(
  dns: InterfaceDns,
  ports: SystemDnsPorts,
  signal?: AbortSignal,
): Promise<SystemDns> {
  const manager = dns.manager === 'auto' ? await chooseManager(ports) : dns.manager;
  const undo = () => undoSetup(manager, dns.interfaceName, ports);
  try {
    if (manager === 'resolved') await registerWithResolved(dns, ports, signal);
    else await registerWithResolvconf(dns, ports, signal);
  } catch (error) {
    await undo();
    throw error;
  }
  const { interfaceName, nameServers: servers } = dns;
  ports.log.info({ interface: interfaceName, servers }, `DNS set up with ${TOOLS[manager]}`);
  return { undo };
}

/**
 * Removes the name servers that a killed `up` left behind in resolvconf. systemd-resolved has
 * already removed those of an interface that no longer exists.
 */
export async function removeLeftDns(
  interfaceName: string,
  { commands }: Pick<SystemDnsPorts, 'commands'>,
): Promise<void> {
  // Without resolvconf, or without a record, nothing is left behind.
  await run(undoCommand('resolvconf', interfaceName), { commands }).catch(() => undefined);
}

const TOOLS: Readonly<Record<DnsManager, string>> = {
  resolved: 'systemd-resolved',
  resolvconf: 'resolvconf',
};

/**
 * Prefers systemd-resolved, because with resolvconf all names are looked up inside the tunnel. If
 * /etc/resolv.conf does not lead to systemd-resolved, most programs do not use it.
 */
async function chooseManager(ports: SystemDnsPorts): Promise<DnsManager> {
  const mode = await resolvedMode(ports);
  if (mode !== undefined && !isBypassed(mode)) return 'resolved';
  if (await hasResolvconf(ports)) return 'resolvconf';
  if (mode !== undefined) return 'resolved';
  throw new UserError('failed', {
    what: 'cannot set up DNS for the tunnel (--dns-setup=auto)',
    why: 'systemd-resolved is not running, and the command resolvconf was not found',
    next: ['Install systemd-resolved or resolvconf.', WITHOUT],
  });
}

const WITHOUT = "Or use --dns-setup=off: programs then use the system's name servers.";

/** Returns how /etc/resolv.conf relates to systemd-resolved; undefined if it does not run. */
async function resolvedMode(ports: SystemDnsPorts): Promise<string | undefined> {
  const status = ['resolvectl', '--no-pager', 'status'];
  const result = await run(status, ports, undefined, undefined).catch(() => undefined);
  if (result?.exitCode !== 0) return undefined;
  return /resolv\.conf mode: (\S+)/.exec(result.stdout)?.[1] ?? '';
}

/** The other modes, `stub` and `static`, send queries to systemd-resolved. */
function isBypassed(mode: string): boolean {
  return mode === 'foreign' || mode === 'missing' || mode === 'uplink';
}

/** The package systemd-resolved has a command resolvconf, which only calls resolvectl. */
async function hasResolvconf(ports: SystemDnsPorts): Promise<boolean> {
  const result = await run(['resolvconf', '--version'], ports).catch(() => undefined);
  return result !== undefined && !result.stdout.startsWith('systemd ');
}

/**
 * Routes only the tunnel's names to its name servers. Other names, such as those of the Arc server
 * and the SORACOM API, must also have addresses while the tunnel is down.
 */
async function registerWithResolved(
  { interfaceName: name, nameServers, domains }: InterfaceDns,
  ports: SystemDnsPorts,
  signal: AbortSignal | undefined,
): Promise<void> {
  const mode = await resolvedMode(ports);
  if (mode !== undefined && isBypassed(mode)) {
    const why = '/etc/resolv.conf does not lead to it';
    ports.log.warn({}, `most programs do not use systemd-resolved, because ${why}`);
  }
  const routed = [...TUNNEL_NAMES, ...domains].map((domain) => `~${domain}`);
  // The name servers come last: until then, the interface has no effect on lookups. They support
  // neither DNS over TLS nor DNSSEC for SORACOM's names, and the tunnel protects the queries.
  const steps = [
    ['domain', name, ...routed],
    ['default-route', name, domains.includes('.') ? 'yes' : 'no'],
    ['dnsovertls', name, 'no'],
    ['dnssec', name, 'no'],
    ['dns', name, ...nameServers],
  ];
  for (const step of steps) {
    const command = ['resolvectl', '--no-ask-password', ...step];
    requireSuccess('resolved', await runOrThrow('resolved', command, ports, signal));
  }
}

/** As wg-quick does: the highest priority, and no other name servers. */
async function registerWithResolvconf(
  { interfaceName, nameServers }: InterfaceDns,
  ports: SystemDnsPorts,
  signal: AbortSignal | undefined,
): Promise<void> {
  const command = ['resolvconf', '-a', recordName(interfaceName), '-m', '0', '-x'];
  const input = nameServers.map((address) => `nameserver ${address}\n`).join('');
  requireSuccess('resolvconf', await runOrThrow('resolvconf', command, ports, signal, input));
}

/** Debian's resolvconf gives records with this prefix a high priority. */
function recordName(interfaceName: string): string {
  return `tun.${interfaceName}`;
}

function undoCommand(manager: DnsManager, interfaceName: string): readonly string[] {
  return manager === 'resolved'
    ? ['resolvectl', '--no-ask-password', 'revert', interfaceName]
    : ['resolvconf', '-d', recordName(interfaceName), '-f'];
}

async function undoSetup(
  manager: DnsManager,
  interfaceName: string,
  ports: SystemDnsPorts,
): Promise<void> {
  const command = undoCommand(manager, interfaceName);
  try {
    requireSuccess(manager, await runOrThrow(manager, command, ports));
  } catch (error) {
    const reason = messageOf(error);
    ports.log.warn(
      { reason, interface: interfaceName },
      `cannot put back the settings of ${TOOLS[manager]}`,
    );
  }
}

function run(
  command: readonly string[],
  { commands }: Pick<SystemDnsPorts, 'commands'>,
  signal?: AbortSignal,
  input?: string,
): Promise<CommandResult> {
  return commands.run(command, {
    timeout: TIMEOUT,
    // The tool must not get a signal of the terminal, because it may be putting settings back.
    ownGroup: true,
    withoutVariables: isCredentialVariable,
    ...(signal && { signal }),
    ...(input !== undefined && { input }),
  });
}

/** @throws UserError if the tool cannot be started or times out */
async function runOrThrow(
  manager: DnsManager,
  command: readonly string[],
  ports: SystemDnsPorts,
  signal?: AbortSignal,
  input?: string,
): Promise<CommandResult> {
  try {
    return await run(command, ports, signal, input);
  } catch (error) {
    if (error instanceof CommandError) throw failure(manager, 'failed', error.message);
    throw error;
  }
}

function requireSuccess(manager: DnsManager, { exitCode, stdout, stderr }: CommandResult): void {
  if (exitCode === 0) return;
  const why = (stderr.trim() || stdout.trim() || `exit status ${exitCode ?? 'unknown'}`).split(
    '\n',
  );
  const isDenied = /authentication required|access denied|permission denied|not permitted/i;
  const kind = isDenied.test(why.join(' ')) ? 'permission' : 'failed';
  throw failure(manager, kind, why.join(' '));
}

function failure(manager: DnsManager, kind: FailureKind, why: string): UserError {
  const other = manager === 'resolved' ? 'resolvconf' : 'resolved';
  return new UserError(kind, {
    what: `cannot set up DNS for the tunnel with ${TOOLS[manager]}`,
    why,
    next: [
      kind === 'permission'
        ? 'Run "arctun up" as root.'
        : `Use --dns-setup=${other} if this machine uses ${TOOLS[other]}.`,
      WITHOUT,
    ],
  });
}
