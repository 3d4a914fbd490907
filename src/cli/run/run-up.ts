/** What `up` is, and what it does with its flags. */
import { verboseWgConfig } from '../../app/config/export-wg-config.js';
import { loadTunnelConfig } from '../../app/config/load-arc-config.js';
import { requireOtherPorts, withPortHolder } from '../../app/up/port-taken.js';
import { removeLeftovers } from '../../app/up/remove-leftovers.js';
import { runTunnel, type TunnelUp } from '../../app/up/run-tunnel.js';
import type { RenewalPorts } from '../../app/session/session-renewal.js';
import type { Log } from '../../ports/log.js';
import { browserFlags } from '../flags/browser-flags.js';
import { captureFlags, captureOptions } from './capture.js';
import type { CommandDeclaration } from '../command.js';
import type { configFlag } from '../flags/config-flag.js';
import { credentialFlags } from '../flags/credential-flags.js';
import type { Flags, ParsedLine } from '../flags/flag.js';
import { forwardFlags, forwardSettings } from '../flags/forward-flags.js';
import { chosenLevel, configuredLogFlags, configuredLogLevel } from '../flags/log-flags.js';
import { guardFlags, requireTunForKillSwitch } from '../flags/guard-flags.js';
import type { Output } from '../output/output.js';
import { overrideFlags, tunnelOverrides } from '../flags/override-flags.js';
import { nameServers, proxyFlags, proxySettings } from '../flags/proxy-flags.js';
import { renderJson, renderText } from '../output/render.js';
import { renewalFlag } from '../flags/renewal-flag.js';
import { socketFlag } from '../flags/socket-flag.js';
import { statusListen, statusListenFlag, statusPageSettings } from '../flags/status-listen-flag.js';
import { refuseConfigFlag, stdinFlag } from '../flags/stdin-flag.js';
import type { SystemContext } from '../system-context.js';
import type { TunnelContext } from '../tunnel-context.js';
import { congestionFlag, tunnelFlags } from '../flags/tunnel-flags.js';
import {
  refuseUserspaceFlags,
  userspaceFlag,
  userspaceVariable,
} from '../flags/userspace-flags.js';

const flags = {
  ...forwardFlags,
  ...proxyFlags,
  ...browserFlags,
  ...tunnelFlags,
  ...congestionFlag,
  ...socketFlag,
  ...overrideFlags,
  ...stdinFlag,
  ...credentialFlags,
  ...renewalFlag,
  ...captureFlags,
  ...guardFlags,
  ...statusListenFlag,
  ...configuredLogFlags,
  json: { type: 'boolean', description: 'Print one line of JSON when the tunnel is up.' },
} as const satisfies Flags;

export const upCommand = {
  description:
    'Open the tunnel: at a network interface where one may be made, else in userspace, with an HTTP forwarder to the Unified Endpoint and a SOCKS5 and HTTP proxy.',
  hiddenAliases: ['u'],
  examples: [
    'arctun up',
    `arctun up --port 8080 --header 'X-Device: sensor-1'`,
    'arctun up --capture tunnel.pcapng',
    'arctun bootstrap cellular --dump-config | arctun up --read-stdin',
  ],
  flags,
} satisfies CommandDeclaration;

export interface UpContext extends SystemContext, Omit<TunnelContext, 'parentThread'> {}

export interface UpSurroundings {
  readonly context: UpContext;
  readonly output: Output;
  readonly version: string;
  /** How SORACOM is asked for another session; undefined where it is not to be. */
  readonly renewal: () => Promise<RenewalPorts | undefined>;
}

/**
 * Resolves after a stop, when everything is closed.
 *
 * @throws UserError
 */
export async function runUp(line: UpLine, surroundings: UpSurroundings): Promise<void> {
  requirePorts(line);
  try {
    await openUp(line, surroundings);
  } catch (error) {
    throw await withPortHolder(error, await surroundings.context.portHolder());
  }
}

type UpLine = ParsedLine<typeof configFlag & typeof upCommand.flags>;

/** A tunnel at an interface has none of the listeners but that of the pages. */
function requirePorts({ flags, tokens }: UpLine): void {
  if (flags.mode !== 'userspace' && userspaceFlag(tokens) === undefined) return;
  const proxy = proxySettings(flags);
  requireOtherPorts([
    { flag: '--forward-listen', listen: forwardSettings(flags).listen },
    { flag: '--proxy-listen', listen: proxy?.isAskedFor === true ? proxy.listen : undefined },
    { flag: '--status-listen', listen: statusListen(flags) },
  ]);
}

async function openUp({ flags, tokens }: UpLine, surroundings: UpSurroundings): Promise<void> {
  const { context, output, version, renewal } = surroundings;
  if (flags['read-stdin']) refuseConfigFlag(tokens);
  requireTunForKillSwitch(flags);
  if (flags.mode === 'tun') refuseUserspaceFlags(tokens);
  const forward = forwardSettings(flags);
  const proxy = proxySettings(flags);
  const servers = nameServers(flags.dns);
  const overrides = tunnelOverrides(flags);
  const home = { files: await context.files(), stateFolder: context.stateFolder() };
  const load = (value: string | Uint8Array) => loadTunnelConfig(value, home, overrides);
  const arcConfig = await load(flags['read-stdin'] ? await context.readStdin() : flags.config);
  if (flags.cleanup) return cleanUp(arcConfig.config.interface, surroundings);
  context.dump?.(verboseWgConfig(arcConfig, overrides));
  const level = chosenLevel(flags, configuredLogLevel(arcConfig.config.logLevel));
  const logOptions = { level, format: flags['log-format'] };
  const log = await context.log(logOptions);
  const ports = await context.tunnelPorts(log, flags.socket);
  await runTunnel(
    {
      arcConfig,
      overrides,
      mode: flags.mode,
      force: flags.force,
      killSwitch: flags['kill-switch'],
      userspaceFlag: userspaceFlag(tokens) ?? userspaceVariable(context.env),
      wait: flags.wait * 1000,
      signal: await context.stopSignal(),
      reread: flags['read-stdin'] ? undefined : () => load(flags.config),
      reloads: await context.reloadRequests(),
      renewal: await renewal(),
      forward,
      proxy,
      nameServers: servers,
      offer: {
        version,
        pid: process.pid,
        folders: context.runFolders(),
        ...statusPageSettings(flags),
      },
      congestion: flags.congestion,
      capture: captureOptions(flags.capture, context, log, (line) => output.note(line)),
      onUp: (up) => showUp(up, flags, output),
    },
    {
      ...ports,
      ...(await servicePorts(context, log)),
      // A capture sees all from the thread that it is taken in.
      deviceTunnels: () =>
        flags.capture === undefined
          ? context.deviceTunnels({ log: logOptions, socket: flags.socket })
          : context.localInterfaceTunnels(ports),
    },
  );
}

function showUp(up: TunnelUp, flags: UpLine['flags'], output: Output): void {
  if (up.modeReason !== undefined && !flags.quiet) {
    output.note(`Mode ${up.mode}: ${up.modeReason}.`);
  }
  if (flags.json) output.write(renderJson(upJson(up)));
  else if (!flags.quiet) output.write(renderText(upText(up, flags['forward-to'])));
}

async function servicePorts(context: UpContext, log: Log) {
  return {
    claims: await context.keyClaims(),
    commands: await context.commands(),
    manager: await context.serviceManager(log),
    listeners: await context.localListeners(),
    interfaceObstacle: (name: string) => context.interfaceObstacle(name),
    interfaceLeftovers: () => context.interfaceLeftovers(),
  };
}

/** `--cleanup`. */
async function cleanUp(name: string, { context, output }: UpSurroundings): Promise<void> {
  const removed = removeLeftovers(name, await context.interfaceLeftovers());
  output.note(`Removed ${removed} routes and rules that an earlier "up" had left.`);
}

function upJson({ modeReason, ...up }: TunnelUp): object {
  return {
    ...up,
    ...(up.mode === 'userspace' && { proxy: up.proxy ?? null }),
    ...(modeReason !== undefined && { modeReason }),
  };
}

function upText(up: TunnelUp, target: string): string {
  const { endpoint } = up;
  if (up.mode === 'tun') return `Tunnel to ${endpoint} is up on ${up.interface}\n`;
  const lines = [`Tunnel to ${endpoint} is up; ${up.forward} forwards to ${target}`];
  if (up.proxy !== undefined) lines.push(`SOCKS5 and HTTP proxy on ${up.proxy}`);
  return `${lines.join('\n')}\n`;
}
