import { Flags } from '@oclif/core';

import { verboseWgConfig } from '../src/app/export-wg-config.js';
import { loadArcConfig, loadArcConfigBytes } from '../src/app/load-arc-config.js';
import { runTunnel, type TunnelUp } from '../src/app/run-tunnel.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { captureFlags, captureOptions } from '../src/cli/capture.js';
import { forwardFlags, forwardSettings } from '../src/cli/forward-flags.js';
import { credentialFlags } from '../src/cli/credential-flags.js';
import { configuredLogFlags, configuredLogLevel } from '../src/cli/log-flags.js';
import { overrideFlags, tunnelOverrides } from '../src/cli/override-flags.js';
import { nameServers, proxyFlags, proxySettings } from '../src/cli/proxy-flags.js';
import { renderJson } from '../src/cli/render.js';
import { socketFlag } from '../src/cli/socket-flag.js';
import { renewalFlags, renewalPorts } from '../src/cli/renewal.js';
import { statusListen, statusListenFlag } from '../src/cli/status-listen-flag.js';
import { refuseConfigFlag, stdinFlag } from '../src/cli/stdin-flag.js';
import {
  refuseUserspaceFlags,
  userspaceFlag,
  userspaceVariable,
} from '../src/cli/userspace-flags.js';
import { congestionFlag, tunnelFlags } from '../src/cli/tunnel-flags.js';

export default class Up extends BaseCommand {
  static override description =
    'Open the tunnel: at a network interface where one may be made, else in userspace, with an HTTP forwarder to the Unified Endpoint and a SOCKS5 and HTTP proxy.';
  static override hiddenAliases = ['u'];
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    `<%= config.bin %> <%= command.id %> --port 8080 --header 'X-Device: sensor-1'`,
    '<%= config.bin %> <%= command.id %> --capture tunnel.pcapng',
    '<%= config.bin %> bootstrap cellular --dump-config | <%= config.bin %> <%= command.id %> --read-stdin',
  ];
  static override flags = {
    ...forwardFlags,
    ...proxyFlags,
    ...tunnelFlags,
    ...congestionFlag,
    ...socketFlag,
    ...overrideFlags,
    ...stdinFlag,
    ...credentialFlags,
    ...renewalFlags,
    ...captureFlags,
    ...statusListenFlag,
    ...configuredLogFlags,
    json: Flags.boolean({ description: 'Print one line of JSON when the tunnel is up.' }),
  };

  async run(): Promise<void> {
    const { flags, raw } = await this.parse(Up);
    if (flags['read-stdin']) refuseConfigFlag(raw);
    if (flags.mode === 'tun') refuseUserspaceFlags(raw);
    const forward = forwardSettings(flags);
    const proxy = proxySettings(flags);
    const servers = nameServers(flags.dns);
    const overrides = tunnelOverrides(flags);
    const home = { files: await this.context.files(), stateFolder: this.context.stateFolder() };
    const arcConfig = flags['read-stdin']
      ? await loadArcConfigBytes(await this.context.readStdin(), home)
      : await loadArcConfig(flags.config, home);
    this.context.dump?.(verboseWgConfig(arcConfig, overrides));
    const level = flags['log-level'] ?? configuredLogLevel(arcConfig.config.logLevel);
    const logOptions = { level, format: flags['log-format'] };
    const log = await this.context.log(logOptions);
    const ports = await this.context.tunnelPorts(log, flags.socket);
    await runTunnel(
      {
        arcConfig,
        overrides,
        mode: flags.mode,
        userspaceFlag: userspaceFlag(raw) ?? userspaceVariable(this.context.env),
        wait: flags.wait * 1000,
        signal: await this.context.stopSignal(),
        reread: flags['read-stdin'] ? undefined : () => loadArcConfig(flags.config, home),
        reloads: await this.context.reloadRequests(),
        renewal: await renewalPorts(this.context, flags),
        forward,
        proxy,
        nameServers: servers,
        offer: {
          version: this.config.version,
          pid: process.pid,
          folders: this.context.runFolders(),
          statusListen: statusListen(flags),
        },
        congestion: flags.congestion,
        capture: captureOptions(flags.capture, this.context, log, (line) => this.note(line)),
        onUp: (up) => {
          if (up.modeReason !== undefined) this.note(`Mode ${up.mode}: ${up.modeReason}.`);
          if (flags.json) this.write(renderJson(upJson(up)));
          else this.write(upText(up, flags['forward-to']));
        },
      },
      {
        ...ports,
        commands: await this.context.commands(),
        manager: await this.context.serviceManager(log),
        listeners: await this.context.localListeners(),
        // A capture sees all from the thread that it is taken in.
        deviceTunnels: () =>
          flags.capture === undefined
            ? this.context.deviceTunnels({ log: logOptions, socket: flags.socket })
            : this.context.localDeviceTunnels(ports),
        deviceObstacle: (name) => this.context.deviceObstacle(name),
      },
    );
  }
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
