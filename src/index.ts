/** The library: opens tunnels and manages virtual SIMs from another program. */
import type { ArcSessionStatus } from './library/arc-json.js';
import type { BootstrapOptions, BootstrapResult } from './library/bootstrap-options.js';
import { createTunnel as openLibraryTunnel } from './library/create-tunnel.js';
import type { CreateTunnelOptions } from './library/tunnel-options.js';
import type {
  ListedVirtualSims,
  ListSimsOptions,
  RenewedSimKey,
  RenewKeyOptions,
  TerminatedVirtualSim,
  VirtualSimDetails,
} from './library/sim-types.js';
import type { SoracomCallOptions } from './library/soracom-options.js';
import { UserError } from './lib/errors/user-error.js';
import type { UserspaceTunnel } from './tunnel/userspace-tunnel.js';

export { UserError };
export type { ArcJson, ArcSessionStatus } from './library/arc-json.js';
export type {
  AuthKeyBootstrap,
  BootstrapOptions,
  BootstrapResult,
  BootstrapTarget,
  CellularBootstrap,
  KryptonCli,
  SimBootstrap,
} from './library/bootstrap-options.js';
export type { BudgetOptions, CreateTunnelOptions } from './library/tunnel-options.js';
export type {
  ApiRenewal,
  CellularRenewal,
  RenewalOptions,
  SimRenewal,
} from './library/renewal-options.js';
export type {
  ListedVirtualSims,
  ListSimsOptions,
  RenewedSimKey,
  RenewKeyOptions,
  TerminatedVirtualSim,
  VirtualSim,
  VirtualSimDetails,
} from './library/sim-types.js';
export type {
  SoracomCallOptions,
  SoracomCredentials,
  SoracomOptions,
} from './library/soracom-options.js';
export type { BootstrapRescueError } from './app/bootstrap/bootstrap-rescue.js';
export type { FailureKind } from './lib/errors/user-error.js';
export type { LogLevel } from './ports/log.js';
export { type Dialer, DialError, type DialTarget } from './proxy/dialer.js';
export type { ApiError } from './soracom/api-error.js';
export type { AddressInfo } from './tunnel/names/address-info.js';
export type {
  TunnelHttpAgent,
  TunnelHttpsAgent,
  UndiciConnector,
  UndiciConnectOptions,
} from './tunnel/node/http-agent.js';
export type { Lookup, PromisedLookup } from './tunnel/names/lookup.js';
export type { SystemError } from './tunnel/node/node-errors.js';
export type { ConnectOptions } from './tunnel/node/node-network.js';
export type { TunnelEvents, TunnelRenewal, TunnelSilence } from './tunnel/node/node-tunnel.js';
export type { PingOptions, PingReply } from './tunnel/node/ping.js';
export type { ListenOptions, TcpServer } from './tunnel/node/tcp-server.js';
export type { TcpInfo, TcpSocket } from './tunnel/node/tcp-socket.js';
export { TunnelError } from './tunnel/tunnel-error.js';
export type { TunnelHealth, TunnelStatus } from './tunnel/tunnel-status.js';
export type { RemoteInfo, UdpSocket } from './tunnel/node/udp-socket.js';
export type {
  CloseOptions,
  CongestionAlgorithm,
  UserspaceTunnel,
} from './tunnel/userspace-tunnel.js';

/**
 * Opens a tunnel in userspace and waits for its first handshake; `tunnel.close()` closes the
 * tunnel. docs/guides/library.md describes what a tunnel can do.
 *
 * @throws UserError with `kind` (`configuration`, `tunnel` …), what failed, why, and what to do; the
 * reason of `signal` if it aborts
 */
export function createTunnel(options: CreateTunnelOptions): Promise<UserspaceTunnel> {
  return openLibraryTunnel(options);
}

// The functions below load the SORACOM API client at their first call, because loading it takes
// longer than loading everything that a tunnel needs.

/**
 * Creates a virtual SIM, which SORACOM bills, or gets an existing one, and saves its configuration.
 * With `path`, a call that was interrupted is finished by the next call with the same `path`: a
 * journal next to the file records each step, and no SIM is created twice.
 *
 * @throws UserError with what failed, why, and what to do; ApiError if a call to SORACOM fails
 * @throws BootstrapRescueError if the configuration could not be saved: `rescuePath` is a copy, and
 * if no file could be written, `arcJson.expose()` returns its text
 */
export async function bootstrap(options: BootstrapOptions): Promise<BootstrapResult> {
  return (await import('./library/bootstrap.js')).bootstrap(options);
}

/**
 * Lists the account's virtual SIMs.
 *
 * @throws UserError; ApiError
 */
export async function listSims(options: ListSimsOptions = {}): Promise<ListedVirtualSims> {
  return (await import('./library/sims.js')).listSims(options);
}

/**
 * Returns what SORACOM reports about a SIM.
 *
 * @throws UserError; ApiError
 */
export async function getSim(
  simId: string,
  options: SoracomCallOptions = {},
): Promise<VirtualSimDetails> {
  return (await import('./library/sims.js')).getSim(simId, options);
}

/**
 * Creates the Arc session of a SIM, or replaces an existing one, whose tunnel then stops working.
 *
 * @returns the session, which belongs into the SIM's arc.json
 * @throws UserError; ApiError
 */
export async function createArcSession(
  simId: string,
  options: SoracomCallOptions = {},
): Promise<ArcSessionStatus> {
  return (await import('./library/sims.js')).createArcSession(simId, options);
}

/**
 * Gives the SIM of an arc.json a new key, which is generated on this machine and saved in the file.
 *
 * @throws UserError; ApiError
 */
export async function renewKey(options: RenewKeyOptions): Promise<RenewedSimKey> {
  return (await import('./library/sims.js')).renewKey(options);
}

/**
 * Terminates a virtual SIM, without asking. You cannot undo this.
 *
 * @throws UserError; ApiError
 */
export async function terminateSim(
  simId: string,
  options: SoracomCallOptions = {},
): Promise<TerminatedVirtualSim> {
  return (await import('./library/sims.js')).terminateSim(simId, options);
}
