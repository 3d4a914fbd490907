/**
 * The operations of the SORACOM API that arctun knows, named as their operationIds. `SoracomClient`
 * carries them out; use cases take the part they need (`Pick<SoracomApi, …>`).
 *
 * Every method rejects with ApiError, or with the signal's reason; with UserError of kind `usage`
 * for what cannot be a SIM id.
 */
import type { ArcSessionResponse, SessionEvent, SimResponse } from './client/responses.js';
import type { SignIn } from './auth/sign-in.js';

export interface SoracomApi {
  /**
   * Signs in, and changes to another user where `signIn` says so; the calls that follow carry the
   * token.
   * @param tokenTimeoutSeconds how long the token lives
   */
  auth(signIn: SignIn, tokenTimeoutSeconds: number): Promise<void>;
  /** Revokes the token, also when the signal has fired, within 5 s. */
  logout(): Promise<void>;
  /** Whose account the signed-in user acts on; undefined before, and where the API does not tell. */
  readonly operatorId: string | undefined;
  /**
   * The `Date` of the newest answer, in Unix milliseconds; undefined before one had it. It is the
   * platform's clock, which this machine's may not agree with.
   */
  readonly serverTime: number | undefined;

  /**
   * Creates a virtual SIM, which costs money: never repeated, except once with a new token when
   * the old one was refused, for then nothing was done. Once sent, no signal ends it: the answer
   * carries the private key, and nobody shows it again. `simMayExist(error)` tells whether a
   * failure may have left a SIM.
   */
  createSim(): Promise<SimResponse>;
  getSim(simId: string): Promise<SimResponse>;
  /** Every SIM of the account, physical ones too. */
  listSims(): Promise<readonly SimResponse[]>;
  /** Every virtual SIM (`subscription=planArc01`) that is not terminated. */
  searchVirtualSims(): Promise<readonly SimResponse[]>;
  /** Creates the session of a SIM, or creates it anew. */
  createArcSession(simId: string): Promise<ArcSessionResponse>;
  /**
   * Gives the SIM another public key; its session starts anew at once. With one key, a repeat
   * changes nothing.
   * @param publicKey in base64
   */
  renewArcSimCredentials(simId: string, publicKey: string): Promise<void>;
  putSimTags(simId: string, tags: readonly SimTag[]): Promise<void>;
  /** Resolves if there is such a group. */
  getGroup(groupId: string): Promise<void>;
  setSimGroup(simId: string, groupId: string): Promise<void>;
  enableSimTermination(simId: string): Promise<void>;
  /** Final: the SIM is gone, and so is its bill from then on. */
  terminateSim(simId: string): Promise<void>;
  /** The newest session events of the past 32 days, the newest first. */
  listSimSessionEvents(simId: string, limit: number): Promise<readonly SessionEvent[]>;
}

/** A SIM's name is its tag `name`. */
export interface SimTag {
  readonly tagName: string;
  readonly tagValue: string;
}
