/** A SORACOM API in memory: it records calls, and refuses them as configured. */
import { Secret } from '../../src/lib/secrets/secret.js';
import type {
  ArcSessionResponse,
  SessionEvent,
  SimResponse,
} from '../../src/soracom/client/responses.js';
import { ApiError, type ApiFailure } from '../../src/soracom/api-error.js';
import type { Credentials } from '../../src/soracom/auth/sign-in.js';
import type { SoracomApi } from '../../src/soracom/soracom-api.js';
import { SERVER_KEY } from '../arc-config/sample.js';

export const CREDENTIALS: Credentials = {
  signIn: { kind: 'auth-key', authKeyId: 'keyId-1', authKey: new Secret('secret-1') },
  endpoint: 'https://api.soracom.io',
  headers: {},
};

export const NEW_SESSION: ArcSessionResponse = {
  arcServerPeerPublicKey: SERVER_KEY,
  arcServerEndpoint: 'beck.arc.soracom.io:11010',
  arcAllowedIPs: ['100.127.0.0/21', '100.127.10.0/28'],
  arcClientPeerIpAddress: '10.9.8.7',
};

/** An error as the client creates it for an answer, or for none (status undefined). */
export function apiError(
  status: number | undefined,
  failure: ApiFailure = status === undefined ? 'timeout' : 'refused',
): ApiError {
  const why = status === undefined ? 'no answer came' : `HTTP ${status}`;
  return new ApiError(
    failure,
    { what: 'cannot do that', why, next: ['Do this.'] },
    status === undefined ? {} : { status },
  );
}

export function sim(simId: string, rest: Partial<SimResponse> = {}): SimResponse {
  return {
    simId,
    status: 'active',
    type: 'virtual',
    speedClass: 'arc.standard',
    groupId: undefined,
    tags: {},
    createdTime: undefined,
    lastModifiedTime: undefined,
    terminationEnabled: undefined,
    activeProfileId: undefined,
    sessionStatus: undefined,
    arcSessionStatus: undefined,
    profiles: undefined,
    ...rest,
  };
}

export class FakeSoracom implements SoracomApi {
  /** `getSim 8942…`, in order. */
  readonly calls: string[] = [];
  /** By operation: the error that it rejects with. */
  readonly failures = new Map<string, Error>();
  sims: SimResponse[] = [];
  events: SessionEvent[] = [];
  session = NEW_SESSION;
  serverTime: number | undefined;
  operatorId: string | undefined;
  isPingAnswered: () => boolean = () => true;
  /** Called with each call, before it takes effect. */
  onCall: (call: string) => void = () => undefined;

  auth = () => this.#answer('auth', undefined);
  logout = () => this.#answer('logout', undefined);
  createSim = () => this.#answer('createSim', sim('1'));
  listSims = () => this.#answer('listSims', this.sims);
  searchVirtualSims = () => this.#answer('searchVirtualSims', this.sims);
  createArcSession = (simId: string) => this.#answer(`createArcSession ${simId}`, this.session);
  renewArcSimCredentials = (simId: string, publicKey: string) =>
    this.#answer(`renewArcSimCredentials ${simId} ${publicKey}`, undefined);
  putSimTags = (simId: string, tags: readonly { tagName: string; tagValue: string }[]) => {
    const texts = tags.map(({ tagName, tagValue }) => `${tagName}=${tagValue}`);
    return this.#answer(`putSimTags ${simId} ${texts.join(' ')}`, undefined);
  };
  getGroup = (groupId: string) => this.#answer(`getGroup ${groupId}`, undefined);
  setSimGroup = (simId: string, groupId: string) =>
    this.#answer(`setSimGroup ${simId} ${groupId}`, undefined);
  enableSimTermination = (simId: string) =>
    this.#answer(`enableSimTermination ${simId}`, undefined);
  terminateSim = (simId: string) => this.#answer(`terminateSim ${simId}`, undefined);
  listSimSessionEvents = (simId: string, limit: number) =>
    this.#answer(`listSimSessionEvents ${simId} ${limit}`, this.events);

  sendDownlinkPing = (simId: string) =>
    this.#answer(`sendDownlinkPing ${simId}`, { success: this.isPingAnswered() });

  async getSim(simId: string): Promise<SimResponse> {
    const found = this.sims.find((one) => one.simId === simId);
    const answer = await this.#answer(`getSim ${simId}`, found);
    if (answer === undefined) throw apiError(404);
    return answer;
  }

  /** Without signing in and out. */
  get work(): string[] {
    return this.calls.filter((call) => call !== 'auth' && call !== 'logout');
  }

  async #answer<T>(call: string, value: T): Promise<T> {
    await Promise.resolve();
    this.calls.push(call);
    this.onCall(call);
    const failure = this.failures.get(call.split(' ')[0]!);
    if (failure !== undefined) throw failure;
    return value;
  }
}
