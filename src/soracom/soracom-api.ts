/**
 * The SORACOM API operations that arctun uses, named after their operationIds. `SoracomClient`
 * implements them; use cases depend on a subset (`Pick<SoracomApi, …>`).
 *
 * Every method rejects with an ApiError, with the abort reason, or with a UserError of kind `usage`
 * for an invalid SIM ID.
 */
import type {
  CreatedSessionResponse,
  DownlinkPingResponse,
  SessionEvent,
  SimResponse,
} from './client/responses.js';
import type { SignIn } from './auth/sign-in.js';

export interface SoracomApi {
  /**
   * Signs in, and switches to another user if `signIn` contains one. Later calls send the token.
   * @param tokenTimeoutSeconds the lifetime of the token
   */
  auth(signIn: SignIn, tokenTimeoutSeconds: number): Promise<void>;
  /** Revokes the token, even after the signal has aborted. Takes at most 5 s. */
  logout(): Promise<void>;
  /** The operator ID of the account; undefined before sign-in, or if the API does not return it. */
  readonly operatorId: string | undefined;
  /**
   * The latest `Date` header received, in Unix milliseconds; undefined before the first one.
   * SORACOM's clock may differ from this machine's clock.
   */
  readonly serverTime: number | undefined;

  /**
   * Creates a virtual SIM, which costs money. The request is retried only once, with a new token,
   * if the API refused the old token. After the request is sent, no signal aborts it, because the
   * response contains the only copy of the private key. `simMayExist(error)` reports whether a
   * failed call may have created a SIM.
   */
  createSim(): Promise<SimResponse>;
  getSim(simId: string): Promise<SimResponse>;
  /** Lists all SIMs in the account, including physical ones. */
  listSims(): Promise<readonly SimResponse[]>;
  /** Lists all virtual SIMs (`subscription=planArc01`) that are not terminated. */
  searchVirtualSims(): Promise<readonly SimResponse[]>;
  /** Creates the Arc session of a SIM, or replaces an existing one. */
  createArcSession(simId: string): Promise<CreatedSessionResponse>;
  /**
   * Sets the SIM's public key. The SIM's Arc session restarts immediately. Repeating the call with
   * the same key changes nothing.
   * @param publicKey the key in base64
   */
  renewArcSimCredentials(simId: string, publicKey: string): Promise<void>;
  putSimTags(simId: string, tags: readonly SimTag[]): Promise<void>;
  /** Resolves if the group exists. */
  getGroup(groupId: string): Promise<void>;
  setSimGroup(simId: string, groupId: string): Promise<void>;
  enableSimTermination(simId: string): Promise<void>;
  /** Terminates the SIM permanently, which also ends its billing. */
  terminateSim(simId: string): Promise<void>;
  /** Lists the latest session events of the past 32 days, newest first. */
  listSimSessionEvents(simId: string, limit: number): Promise<readonly SessionEvent[]>;
  /** Makes SORACOM ping the SIM once, through its session, and wait up to 2 s for the reply. */
  sendDownlinkPing(simId: string): Promise<DownlinkPingResponse>;
}

/** A SIM tag; the tag `name` contains the SIM's name. */
export interface SimTag {
  readonly tagName: string;
  readonly tagValue: string;
}
