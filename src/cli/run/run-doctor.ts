/** Defines the flags of `doctor`, and runs the command. */
import { setMaxListeners } from 'node:events';

import { chosenConnection, publicEndpoint } from '../../app/credentials/api-endpoint.js';
import { refuseTwoWays } from '../../app/credentials/credential-choice.js';
import { resolveCredentials } from '../../app/credentials/resolve-credentials.js';
import type { DoctorPorts, WantedListener } from '../../app/doctor/doctor-ports.js';
import { examineFleet } from '../../app/doctor/examine-fleet.js';
import { examine } from '../../app/doctor/examine.js';
import { findConfigs, fleetPlaces } from '../../app/fleet/fleet-configs.js';
import { codeOf } from '../../lib/errors/error-message.js';
import { fromSetting } from '../../lib/errors/from-setting.js';
import { parseListenAddress } from '../../proxy/listen-address.js';
import type { Context } from '../context.js';
import type { globalFlags } from '../flags/config-flags.js';
import { credentialChoice, credentialFlags } from '../flags/credential-flags.js';
import * as Flags from '../flags/flag.js';
import { forwardFlags } from '../flags/listeners/forward-flags.js';
import {
  DEFAULT_LISTEN,
  nameServers,
  proxyFlags,
  socketPath,
} from '../flags/listeners/proxy-flags.js';
import { tunnelFlags } from '../flags/tunnel-flags.js';
import {
  doctorCode,
  doctorText,
  doctorValue,
  fleetDoctorText,
  fleetDoctorValue,
} from '../output/doctor-report.js';
import { createProgress } from '../output/progress.js';
import { renderJson } from '../output/render.js';

export const doctorFlags = {
  fix: Flags.boolean({
    description:
      'Fix what is safe to fix: the mode of arc.json, what a killed "up" left behind, and a missing state folder.',
  }),
  nat: Flags.boolean({
    description:
      'Also measure whether a NAT keeps its mapping for the keepalive interval of arc.json; takes up to five minutes.',
  }),
  rival: Flags.boolean({
    description: 'Watch longer, and with more connections, for another tunnel with this SIM.',
  }),
  json: Flags.boolean({ description: 'Print the results as JSON.' }),
  ...Flags.grouped('Tunnel', { mode: tunnelFlags.mode }),
  'forward-listen': forwardFlags['forward-listen'],
  'proxy-listen': proxyFlags['proxy-listen'],
  dns: proxyFlags.dns,
  ...credentialFlags,
};

type DoctorFlags = Flags.FlagValues<typeof globalFlags & typeof doctorFlags>;

/** The limits of each API call; the check as a whole has its own. */
const PATIENCE = { timeoutMs: 5_000, mostRepeats: 0 };

/**
 * @returns the exit code
 * @throws UserError of kind `usage`; StoppedError after a signal
 */
export async function runDoctor(flags: DoctorFlags, context: Context): Promise<number> {
  const signal = await context.stopSignal();
  const progress = createProgress(context, flags);
  const options = {
    nameServers: nameServers(flags.dns),
    listeners: wantedListeners(flags),
    fix: flags.fix,
    nat: flags.nat,
    rival: flags.rival,
    pid: process.pid,
    runFolders: context.runFolders(),
    stateFolder: context.stateFolder(),
    signal,
  };
  const ports = await doctorPorts(flags, context, signal);
  const step = (text: string) => progress.step(text);
  const places = await fleetPlaces([flags.config], ports.files);
  if (places !== undefined) {
    const found = await findConfigs(places, ports.files);
    // Each SIM adds listeners. By default, Node.js warns after 10 listeners.
    setMaxListeners(0, signal);
    const fleet = await examineFleet(found, options, ports, step).finally(() => progress.end());
    await print(flags.json ? renderJson(fleetDoctorValue(fleet)) : fleetDoctorText(fleet), context);
    return doctorCode([...fleet.ignored, ...fleet.sims.flatMap(({ checks }) => checks)]);
  }
  const single = { ...options, config: flags.config, mode: flags.mode };
  const checks = await examine(single, ports, step).finally(() => progress.end());
  const isTerminal = context.terminalColumns() !== undefined;
  await print(
    flags.json ? renderJson(doctorValue(checks)) : doctorText(checks, { isTerminal }),
    context,
  );
  return doctorCode(checks);
}

async function print(text: string, context: Context): Promise<void> {
  const printer = await context.printer();
  await printer(text).catch((error: unknown) => {
    // A reader may close the pipe without reading, for example `| true`.
    if (codeOf(error) !== 'EPIPE') throw error;
  });
}

/** Returns the addresses on which `up` would listen with the same settings. */
function wantedListeners(flags: DoctorFlags): readonly WantedListener[] {
  const parse = (flag: '--forward-listen' | '--proxy-listen', text: string, port: number) => ({
    flag,
    ...fromSetting(flag, () => parseListenAddress(text, port)),
  });
  const { 'forward-listen': forward, 'proxy-listen': proxy } = flags;
  const listeners = [parse('--forward-listen', forward, 8888)];
  // `up` replaces the Unix socket of a killed `up`, and so a path is not a port to check.
  if (proxy !== 'off' && socketPath(proxy ?? '') === undefined) {
    listeners.push(parse('--proxy-listen', proxy ?? DEFAULT_LISTEN, 1080));
  }
  return listeners;
}

async function doctorPorts(
  flags: DoctorFlags,
  context: Context,
  signal: AbortSignal,
): Promise<DoctorPorts> {
  // The results say what is wrong, so that a log would only repeat it.
  const log = await context.log({ level: 'silent', format: 'text' });
  const choice = credentialChoice(flags);
  refuseTwoWays(choice);
  const connection = chosenConnection(choice, context.env);
  const credentialPorts = {
    env: context.env,
    homeFolder: context.homeFolder(),
    privateFiles: await context.privateFiles(),
    commands: await context.commands(),
  };
  const system = await context.doctorSystem();
  return {
    ...(await context.tunnelPorts(log)),
    files: await context.files(),
    system: { ...system, koffiFailure: () => context.koffiFailure() },
    claims: await context.keyClaims(),
    connections: await context.localConnections(),
    localStreams: await context.localStreams(),
    boundSockets: await context.boundSockets(),
    portHolder: await context.portHolder(),
    account: {
      credentials: (profile) => resolveCredentials(choice, profile, credentialPorts, signal),
      createClient: await context.soracomClients(PATIENCE),
    },
    serverTime: (profile, either) =>
      context.serverTime(publicEndpoint(connection, profile), either),
    interfaceLeftovers: () => context.interfaceLeftovers(),
    interfaceObstacle: (name) => context.interfaceObstacle(name),
  };
}
